/** Agents that the clients of a run are answered by: one of the plugin as it is, and one that creates and moves. */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { makeAgentFolder } from "../test/lab/agent.ts"
import { expect, skip } from "../test/lab/long/report.ts"
import { callOf, fault, programOf } from "./call.ts"
import { pause } from "./cold.ts"
import { makeNamespaces, pathOf, type Scene } from "./scene.ts"
import { measure } from "./spawn.ts"
import { median } from "./stats.ts"

export interface Agent {
  /** The client that it answers. */
  readonly client: string
  readonly pid: number
  /** Milliseconds of CPU so far, all its threads. */
  readonly cpu: () => number
  /** Milliseconds that its requests to the kernel have taken so far, by its own figures. */
  readonly kernel: () => Promise<number>
  /** How often it has waited for a grace period, by its own figures. */
  readonly gracePeriods: () => Promise<number>
}

export interface Agents extends AsyncDisposable {
  readonly inPlace?: Agent
  readonly moving?: Agent
}

/** USER_HZ is 100 on every architecture of ours. */
const tick = 10

const cpuOf = (pid: number): number => {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8")
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
  return (Number(fields[11]) + Number(fields[12])) * tick
}

/** The sum of the figures of that name, whatever their labels. */
const figure = async (address: string, name: RegExp): Promise<number> => {
  const text = await (await fetch(`http://${address}/metrics`)).text()
  const found = [...text.matchAll(new RegExp(`^macvtap_cni_${name.source} (\\S+)$`, "gm"))]
  return found.reduce((sum, [, value]) => sum + Number(value), 0)
}

/** Both agents; neither where there is no C compiler for a client. */
export const startAgents = async (folder: string, executables: Readonly<Record<"plugin" | "moving", string>>) => {
  const stack = new AsyncDisposableStack()
  const start = async (name: string, program: string, port: number): Promise<Agent | undefined> => {
    const own = await makeAgentFolder(`bm-${name}`)
    if (typeof own === "string") return void skip(`the client and an agent, ${name}`, own)
    stack.use(own)
    const listen = `127.0.0.1:${port}`
    const log = join(folder, `${name}.log`)
    const { pid } = await own.start({ program: [program], args: ["--calls", "512", "--listen", listen], log })
    return {
      client: own.client,
      pid,
      cpu: () => cpuOf(pid),
      kernel: async () => 1000 * (await figure(listen, /kernel_request_duration_seconds_sum\{[^}]*\}/)),
      gracePeriods: () => figure(listen, /wait_duration_seconds_count\{for="grace period"\}/)
    }
  }
  const inPlace = await start("agent", executables.plugin, 9476)
  const moving = await start("moving-agent", executables.moving, 9477)
  return {
    ...(inPlace === undefined ? {} : { inPlace }),
    ...(moving === undefined ? {} : { moving }),
    [Symbol.asyncDispose]: () => stack.disposeAsync()
  } satisfies Agents
}

/** What an agent's first calls take, whose code is not compiled yet; milliseconds of ADDs, medians but for the first. */
export interface Warming {
  readonly first: number
  readonly calls: number
  readonly last: number
}

/** Calls the agents until their code is compiled: they stay up, and most of their calls find them so. */
export const warmUp = async (scene: Scene, agents: ReadonlyArray<Agent>, calls: number): Promise<Warming> => {
  const [netns = ""] = await makeNamespaces(scene, ["warm"])
  const attachment = { containerID: `bm${process.pid}-warm`, netns: pathOf(netns) }
  const adds: Array<number> = []
  for (let round = 0; round < calls; round++) {
    for (const { client } of agents) {
      await pause()
      let result: string | undefined
      for (const command of ["ADD", "CHECK", "DEL"] as const) {
        const ended = measure(scene.folder, programOf(client, callOf(command, "macvtap", attachment, result)))
        const wrong = fault(command, ended)
        expect(`warming up: ${wrong}`, wrong === undefined)
        if (command !== "ADD") continue
        result = ended.stdout
        if (client === agents[0]?.client) adds.push(ended.wall)
      }
    }
  }
  for (const [index, agent] of agents.entries()) {
    const waits = (await agent.gracePeriods()) / calls
    // A deletion is one, and a move is another.
    expect(`agent ${index} has waited ${waits} times for a grace period in each round`, waits === index + 1)
  }
  return { first: adds[0] ?? 0, calls, last: median(adds.slice(-10)) }
}
