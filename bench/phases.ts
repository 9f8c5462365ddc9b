/** Where the time of a cold call goes: the marked variant tells when it was where, by the clock that this process has too. */
import { existsSync } from "node:fs"
import { expect } from "../test/lab/long/report.ts"
import { type Command, callOf, fault, goMacvlan, programOf } from "./call.ts"
import { pause } from "./cold.ts"
import { makeNamespaces, pathOf, type Scene } from "./scene.ts"
import { type Ended, measure } from "./spawn.ts"
import { median } from "./stats.ts"

export const phaseNames = {
  start: "process and runtime start",
  modules: "modules: loaded and evaluated",
  code: "the call's own code",
  sockets: "netlink sockets opened",
  kernel: "the kernel answers",
  exit: "process end"
} as const

/** Milliseconds, medians. */
export type Phases = Readonly<Record<keyof typeof phaseNames, number>> & {
  readonly wall: number
  /** All of Go's macvlan, in the same rounds. */
  readonly go?: number
}

interface Told {
  readonly origin: number
  readonly marks: ReadonlyArray<readonly [string, number]>
  readonly spent: { readonly sockets: number; readonly requests: number }
}

const told = ({ stderr }: Ended): Told => JSON.parse(stderr.trim().split("\n").at(-1) ?? "")

const at = ({ origin, marks }: Told, name: string): number =>
  origin + (marks.find(([mark]) => mark === name)?.[1] ?? Number.NaN)

export const measurePhases = async (
  scene: Scene,
  { marked, markedEmpty }: { readonly marked: string; readonly markedEmpty: string },
  rounds: number
): Promise<Readonly<Record<Command, Phases>>> => {
  const [netns = "", netnsOfGo = ""] = await makeNamespaces(scene, ["phases", "phases-go"])
  const attachment = { containerID: `bm${process.pid}-phases`, netns: pathOf(netns) }
  const attachmentOfGo = { ...attachment, netns: pathOf(netnsOfGo) }
  const commands = ["VERSION", "ADD", "CHECK", "DEL"] as const
  const samples: Record<Command, Array<Phases>> = { VERSION: [], ADD: [], CHECK: [], DEL: [] }
  const walls: Record<Command, Array<number>> = { VERSION: [], ADD: [], CHECK: [], DEL: [] }
  for (let round = 0; round < rounds; round++) {
    let result: string | undefined
    let resultOfGo: string | undefined
    for (const command of commands) {
      await pause()
      const call = callOf(command, "macvtap", attachment, result)
      const empty = measure(scene.folder, programOf(markedEmpty, call))
      const ended = measure(scene.folder, programOf(marked, call))
      const wrong = fault(command, ended)
      expect(`the marked variant: ${wrong}`, wrong === undefined)
      if (command === "ADD") result = ended.stdout
      if (existsSync(goMacvlan)) {
        const go = measure(scene.folder, programOf(goMacvlan, callOf(command, "macvlan", attachmentOfGo, resultOfGo)))
        const wrongly = fault(command, go)
        expect(`Go's macvlan: ${wrongly}`, wrongly === undefined)
        if (command === "ADD") resultOfGo = go.stdout
        walls[command].push(go.wall)
      }
      const tale = told(ended)
      const start = at(told(empty), "modules evaluated") - empty.began
      const evaluated = at(tale, "modules evaluated")
      const answered = at(tale, "answered")
      samples[command].push({
        start,
        modules: evaluated - ended.began - start,
        code: answered - evaluated - tale.spent.sockets - tale.spent.requests,
        sockets: tale.spent.sockets,
        kernel: tale.spent.requests,
        exit: ended.ended - answered,
        wall: ended.wall
      })
    }
  }
  const medians = (command: Command): Phases => {
    const of = (key: Exclude<keyof Phases, "go">): number => median(samples[command].map((phases) => phases[key]))
    return {
      start: of("start"),
      modules: of("modules"),
      code: of("code"),
      sockets: of("sockets"),
      kernel: of("kernel"),
      exit: of("exit"),
      wall: of("wall"),
      ...(walls[command].length === 0 ? {} : { go: median(walls[command]) })
    }
  }
  return { VERSION: medians("VERSION"), ADD: medians("ADD"), CHECK: medians("CHECK"), DEL: medians("DEL") }
}
