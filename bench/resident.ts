/** The agent over its life: its memory after many calls, and what it does while nobody calls. */
import { readdirSync, readFileSync, rmSync } from "node:fs"
import { join } from "node:path"
import { expect } from "../test/lab/long/report.ts"
import { run } from "../test/lab/run.ts"
import { callOf, fault, programOf } from "./call.ts"
import { pause } from "./cold.ts"
import { makeNamespaces, pathOf, type Scene } from "./scene.ts"
import { start } from "./spawn.ts"

/** Mebibytes of resident memory. */
export interface Resident {
  readonly calls: number
  readonly startMiB: number
  readonly middleMiB: number
  readonly endMiB: number
  /** System calls in ten seconds without a call; undefined without strace. */
  readonly idle?: number
}

/** Milliseconds without a call, in which the agent gives back what it needs for calls alone. */
const moment = 1_000
/** Milliseconds after which the engine has given back what it can: its own threads still do so for a while. */
const settling = 35_000

const residentMiB = (pid: number): number =>
  Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024

/** `calls` ADDs, CHECKs and DELs, 16 at once; then ten seconds of nothing. */
export const liveLong = async (
  scene: Scene,
  client: string,
  pid: number,
  calls: number,
  strace: string | undefined
): Promise<Resident> => {
  const width = 16
  const containers = await makeNamespaces(
    scene,
    Array.from({ length: width }, (_, index) => `long-${index}`)
  )
  const attachments = containers.map((netns) => ({ containerID: `bm${process.pid}-${netns}`, netns: pathOf(netns) }))
  const startMiB = residentMiB(pid)
  let middleMiB = startMiB
  for (let done = 0; done < calls; ) {
    await pause()
    for (const command of ["ADD", "DEL"] as const) {
      const all = attachments
        .map((attachment) => start(scene.folder, programOf(client, callOf(command, "macvtap", attachment))))
        .map((started) => started.wait())
      const wrong = all.map((ended) => fault(command, ended)).find((found) => found !== undefined)
      expect(`after ${done} calls: ${wrong}`, wrong === undefined)
      done += width
    }
    if (done % 1024 === 0) clear(scene)
    if (done >= calls / 2 && middleMiB === startMiB) {
      await new Promise((resolve) => setTimeout(resolve, moment))
      middleMiB = residentMiB(pid)
    }
  }
  await new Promise((resolve) => setTimeout(resolve, moment))
  const endMiB = residentMiB(pid)
  if (strace === undefined) return { calls, startMiB, middleMiB, endMiB }
  await new Promise((resolve) => setTimeout(resolve, settling))
  const file = join(scene.folder, "idle")
  await run("timeout", ["--signal=INT", "10", strace, "-f", "-qq", "-o", file, "-p", String(pid)], { timeout: 30_000 })
  const lines = readFileSync(file, "utf8").split("\n")
  // What a thread was in when strace came is told once, and is no work.
  const idle = lines.filter(
    (line) => line !== "" && !/(resumed|unfinished|restart_syscall|exited|SIG)/.test(line)
  ).length
  return { calls, startMiB, middleMiB, endMiB, idle }
}

/** Streams of calls that were: thousands of files make a folder slow. */
const clear = ({ folder }: Scene): void => {
  for (const name of readdirSync(folder)) if (/^\d+\.(in|out|err)$/.test(name)) rmSync(join(folder, name))
}
