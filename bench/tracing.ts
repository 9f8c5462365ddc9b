/** What it costs to be looked at: ADD through agents whose tracing is off, on, and sampled at 1 %. */
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { join } from "node:path"
import { makeAgentFolder } from "../test/lab/agent.ts"
import { expect } from "../test/lab/long/report.ts"
import { callOf, fault, programOf } from "./call.ts"
import { pause } from "./cold.ts"
import { makeNamespaces, pathOf, type Scene } from "./scene.ts"
import { measure } from "./spawn.ts"
import { pairedRatio, type Ratio, summarize } from "./stats.ts"

/** Medians in milliseconds, and ratios to off from the same rounds. */
export interface Tracing {
  readonly off: number
  readonly on: number
  readonly sampled: number
  readonly onToOff: Ratio
  readonly sampledToOff: Ratio
}

/** A collector that takes everything, in this process: it has its turn between calls. */
const makeCollector = async () => {
  const server = createServer((request, response) => {
    request.resume().on("end", () => response.end("{}"))
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}`, close: () => server.close() }
}

export const compareTracing = async (scene: Scene, rounds: number): Promise<Tracing> => {
  const collector = await makeCollector()
  const path = { PATH: process.env["PATH"] ?? "" }
  const on = { ...path, OTEL_EXPORTER_OTLP_ENDPOINT: collector.url }
  const ways = {
    off: path,
    on,
    sampled: { ...on, OTEL_TRACES_SAMPLER: "traceidratio", OTEL_TRACES_SAMPLER_ARG: "0.01" }
  }
  const keys = ["off", "on", "sampled"] as const
  const walls: Record<keyof typeof ways, Array<number>> = { off: [], on: [], sampled: [] }
  await using stack = new AsyncDisposableStack()
  const clients = new Map<keyof typeof ways, string>()
  for (const key of keys) {
    const folder = await makeAgentFolder(`bm-trace-${key}`)
    if (typeof folder === "string") throw new Error(folder)
    stack.use(folder)
    await folder.start({ env: ways[key], log: join(scene.folder, `${key}.log`) })
    clients.set(key, folder.client)
  }
  const containers = await makeNamespaces(
    scene,
    keys.map((key) => `trace-${key}`)
  )
  for (let round = -10; round < rounds; round++) {
    for (const [at, key] of [...keys.entries()]) {
      const attachment = { containerID: `bm${process.pid}-trace-${key}`, netns: pathOf(containers[at] ?? "") }
      const call = (command: "ADD" | "DEL") => {
        const ended = measure(scene.folder, programOf(clients.get(key) ?? "", callOf(command, "macvtap", attachment)))
        const wrong = fault(command, ended)
        expect(`traced ${key}: ${wrong}`, wrong === undefined)
        return ended.wall
      }
      await pause()
      const wall = call("ADD")
      call("DEL")
      if (round >= 0) walls[key].push(wall)
    }
  }
  collector.close()
  return {
    off: summarize(walls.off).median,
    on: summarize(walls.on).median,
    sampled: summarize(walls.sampled).median,
    onToOff: pairedRatio(walls.on, walls.off),
    sampledToOff: pairedRatio(walls.sampled, walls.off)
  }
}
