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
  /** After half of the calls. */
  readonly middleMiB: number
  /** After all of them. */
  readonly lateMiB: number
  /** ADDs, and then DELs, that came at once behind those. */
  readonly burst: number
  /** After the burst. */
  readonly endMiB: number
  /** System calls in ten seconds without a call; undefined without strace. */
  readonly idle?: number
}

/** Milliseconds without a call, in which the agent gives back what it needs for calls alone. */
const moment = 1_500
/** Milliseconds after which the engine has given back what it can: its own threads still do so for a while. */
const settling = 35_000

const residentMiB = (pid: number): number =>
  Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024

/** `calls` ADDs and DELs, 16 at once; then `burst` of them at once; then ten seconds of nothing. */
export const liveLong = async (
  scene: Scene,
  client: string,
  pid: number,
  { calls, burst }: Pick<Resident, "calls" | "burst">,
  strace: string | undefined
): Promise<Resident> => {
  const width = 16
  const containers = await makeNamespaces(
    scene,
    Array.from({ length: Math.max(width, burst) }, (_, index) => `long-${index}`)
  )
  const attachments = containers.map((netns) => ({ containerID: `bm${process.pid}-${netns}`, netns: pathOf(netns) }))
  const startMiB = residentMiB(pid)
  const quietMiB = async (): Promise<number> => {
    await new Promise((resolve) => setTimeout(resolve, moment))
    return residentMiB(pid)
  }
  let middleMiB = startMiB
  const together = async (atOnce: number, when: string): Promise<void> => {
    await pause()
    for (const command of ["ADD", "DEL"] as const) {
      const all = attachments
        .slice(0, atOnce)
        .map((attachment) => start(scene.folder, programOf(client, callOf(command, "macvtap", attachment))))
        .map((started) => started.wait())
      const wrong = all.map((ended) => fault(command, ended)).find((found) => found !== undefined)
      expect(`${when}: ${wrong}`, wrong === undefined)
    }
  }
  for (let done = 0; done < calls; ) {
    await together(width, `after ${done} calls`)
    done += 2 * width
    if (done % 1024 === 0) clear(scene)
    if (done >= calls / 2 && middleMiB === startMiB) middleMiB = await quietMiB()
  }
  const lateMiB = await quietMiB()
  await together(burst, `a burst of ${burst}`)
  const found = { calls, burst, startMiB, middleMiB, lateMiB, endMiB: await quietMiB() }
  if (strace === undefined) return found
  await new Promise((resolve) => setTimeout(resolve, settling))
  const file = join(scene.folder, "idle")
  await run("timeout", ["--signal=INT", "10", strace, "-f", "-qq", "-o", file, "-p", String(pid)], { timeout: 30_000 })
  const lines = readFileSync(file, "utf8").split("\n")
  // What a thread was in when strace came is told once, and is no work.
  const idle = lines.filter(
    (line) => line !== "" && !/(resumed|unfinished|restart_syscall|exited|SIG)/.test(line)
  ).length
  return { ...found, idle }
}

/** Streams of calls that were: thousands of files make a folder slow. */
const clear = ({ folder }: Scene): void => {
  for (const name of readdirSync(folder)) if (/^\d+\.(in|out|err)$/.test(name)) rmSync(join(folder, name))
}
