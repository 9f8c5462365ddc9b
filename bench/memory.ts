/**
 * Peak memory, in runs of its own: a process's ru_maxrss begins with what its parent held when it was started, which here
 * would be all of Node. GNU time forks while it is small.
 */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { expect } from "../test/lab/long/report.ts"
import { type Command, callOf, fault } from "./call.ts"
import { type Contender, pause } from "./cold.ts"
import { makeNamespaces, pathOf, type Scene } from "./scene.ts"
import { measure } from "./spawn.ts"
import { median } from "./stats.ts"

export const gnuTime = "/usr/bin/time"

/** Mebibytes: the median of `runs`, by contender and command. */
export type Memory = Readonly<Record<string, Partial<Record<Command, number>>>>

export const measureMemory = async (
  scene: Scene,
  everyone: ReadonlyArray<Contender>,
  runs: number
): Promise<Memory> => {
  const [netns = ""] = await makeNamespaces(scene, ["memory"])
  const attachment = { containerID: `bm${process.pid}-memory`, netns: pathOf(netns) }
  const file = join(scene.folder, "memory")
  const memory: Record<string, Partial<Record<Command, number>>> = {}
  for (const { key, name, executable, type, commands } of everyone) {
    if (executable === undefined) continue
    const peaks: Record<Command, Array<number>> = { ADD: [], CHECK: [], DEL: [], VERSION: [] }
    for (let run = 0; run < runs; run++) {
      let result: string | undefined
      for (const command of commands) {
        await pause()
        const call = callOf(command, type, attachment, result)
        const ended = measure(scene.folder, { command: [gnuTime, "-o", file, "-f", "%M", executable], ...call })
        const wrong = commands.includes("ADD") ? fault(command, ended) : undefined
        expect(`${name}: ${wrong}`, wrong === undefined)
        if (command === "ADD") result = ended.stdout
        peaks[command].push(Number(readFileSync(file, "utf8").trim().split("\n").at(-1)) / 1024)
      }
    }
    memory[key] = Object.fromEntries(commands.map((command) => [command, median(peaks[command])]))
  }
  return memory
}
