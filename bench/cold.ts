/** Cold ADD, CHECK, DEL and VERSION, everyone in every round, so that what disturbs one disturbs all. */
import { existsSync } from "node:fs"
import { ipLinks } from "../test/lab/ip.ts"
import { expect, Interrupted, interrupted } from "../test/lab/long/report.ts"
import { type Attachment, type Call, type Command, callOf, fault, goMacvlan, programOf } from "./call.ts"
import { answer, type Way } from "./floor.ts"
import { makeNamespaces, pathOf, type Scene } from "./scene.ts"
import { measure } from "./spawn.ts"

/** One measurement, in milliseconds. */
export interface Sample {
  readonly wall: number
  readonly cpu: number
  /** Of the floor only: within netlink requests. */
  readonly kernel?: number
}

export interface Contender {
  readonly key: string
  readonly name: string
  readonly commands: ReadonlyArray<Command>
  readonly type: "macvtap" | "macvlan"
  readonly run: (
    call: Call
  ) => Promise<Sample & { readonly status: number; readonly stdout: string; readonly stderr: string }>
  /** The executable, for those that are one. */
  readonly executable?: string
}

const all: ReadonlyArray<Command> = ["ADD", "CHECK", "DEL", "VERSION"]

const executableContender = (
  scene: Scene,
  key: string,
  name: string,
  executable: string,
  type: "macvtap" | "macvlan" = "macvtap",
  commands = all
): Contender => ({
  key,
  name,
  type,
  commands,
  executable,
  run: (call) => Promise.resolve(measure(scene.folder, programOf(executable, call)))
})

const floor = (key: string, name: string, way: Way): Contender => ({
  key,
  name,
  type: "macvtap",
  commands: ["ADD", "CHECK", "DEL"],
  run: (call) => answer(way, call)
})

export interface Executables {
  readonly plugin: string
  /** Of an agent that listens; none where there is no C compiler. */
  readonly client: string | undefined
  readonly moving: string
  readonly empty: string
  /** Go's macvlan of the newest release; none where it cannot be had. */
  readonly newest?: { readonly macvlan: string; readonly version: string }
}

/** Everyone that this machine can run. `/bin/true` is the measurement's own cost. */
export const contenders = (scene: Scene, executables: Executables): ReadonlyArray<Contender> => [
  executableContender(scene, "nothing", "/bin/true", "/bin/true", "macvtap", ["VERSION"]),
  executableContender(scene, "empty", "empty Bun executable", executables.empty, "macvtap", ["VERSION"]),
  ...(existsSync(goMacvlan) ? [executableContender(scene, "go", "Go's macvlan", goMacvlan, "macvlan")] : []),
  ...(executables.newest === undefined
    ? []
    : [
        executableContender(
          scene,
          "goNewest",
          `Go's macvlan, ${executables.newest.version}`,
          executables.newest.macvlan,
          "macvlan"
        )
      ]),
  ...(executables.client === undefined
    ? []
    : [
        executableContender(scene, "client", "macvtap, its client and an agent", executables.client),
        executableContender(scene, "clientMacvlan", "the same, as a macvlan", executables.client, "macvlan", [
          "ADD",
          "CHECK",
          "DEL"
        ])
      ]),
  executableContender(scene, "plugin", "macvtap, standalone", executables.plugin),
  executableContender(scene, "pluginMacvlan", "macvtap, standalone, as a macvlan", executables.plugin, "macvlan", [
    "ADD",
    "CHECK",
    "DEL"
  ]),
  executableContender(
    scene,
    "moving",
    "macvtap, standalone, created on the host and moved",
    executables.moving,
    "macvtap",
    ["ADD", "DEL"]
  ),
  floor("floor", "one long-lived process", "inPlace"),
  floor("floorMoving", "one long-lived process, create and move", "moving")
]

/** Samples by contender and command; samples of the same place in their lists were taken in the same round. */
export type Samples = Readonly<Record<string, Partial<Record<Command, ReadonlyArray<Sample>>>>>

/** Lets Node see signals that came meanwhile. */
export const pause = async (): Promise<void> => {
  await new Promise((resolve) => setImmediate(resolve))
  if (interrupted.aborted) throw new Interrupted()
}

/** `rounds` rounds after `warmUp` ones that do not count: files come into the page cache, the floor's functions get warm. */
export const measureCold = async (
  scene: Scene,
  everyone: ReadonlyArray<Contender>,
  { rounds, warmUp, progress }: { rounds: number; warmUp: number; progress: (round: number) => void }
): Promise<Samples> => {
  const names = await makeNamespaces(
    scene,
    everyone.map(({ key }) => `c-${key}`)
  )
  const attachments = new Map<Contender, Attachment>(
    everyone.map((contender, index) => [
      contender,
      { containerID: `bm${process.pid}-${contender.key}`, netns: pathOf(names[index] ?? "") }
    ])
  )
  const samples: Record<string, Partial<Record<Command, ReadonlyArray<Sample>>>> = {}
  /** `/dev/tap<ifindex>` of the last round's macvtaps. */
  const nodes = new Map<Contender, string>()
  for (let round = -warmUp; round < rounds; round++) {
    const results = new Map<Contender, string>()
    for (const command of all) {
      const those = everyone.filter(({ commands }) => commands.includes(command))
      for (const contender of round % 2 === 0 ? those : those.toReversed()) {
        await pause()
        const attachment = attachments.get(contender)
        if (attachment === undefined) continue
        const call = callOf(command, contender.type, attachment, results.get(contender))
        const ended = await contender.run(call)
        const wrong = contender.key === "nothing" || contender.key === "empty" ? undefined : fault(command, ended)
        // A program that ^C ended is no fault of its own: Node sees the signal now.
        if (wrong !== undefined) await pause()
        expect(`${contender.name}: ${wrong}`, wrong === undefined)
        if (command === "ADD") results.set(contender, ended.stdout)
        if (round < 0) continue
        const { wall, cpu } = ended
        const sample = ended.kernel === undefined ? { wall, cpu } : { wall, cpu, kernel: ended.kernel }
        samples[contender.key] = {
          ...samples[contender.key],
          [command]: [...(samples[contender.key]?.[command] ?? []), sample]
        }
      }
      if (command !== "ADD" || round !== rounds - 1) continue
      for (const [index, contender] of everyone.entries()) {
        const link = (await ipLinks(names[index])).find(({ ifname }) => ifname === "net1")
        if (link !== undefined && contender.type === "macvtap") nodes.set(contender, `/dev/tap${link.ifindex}`)
      }
    }
    progress(round + 1)
  }
  for (const [index, contender] of everyone.entries()) {
    const left = (await ipLinks(names[index])).filter(({ ifname }) => ifname !== "lo")
    expect(`after DEL ${contender.name} leaves no link`, left.length === 0, left)
    const node = nodes.get(contender)
    expect(`after DEL ${contender.name} leaves no ${node}`, node === undefined || !existsSync(node))
  }
  const links = (await ipLinks(scene.host)).map(({ ifname }) => ifname).sort()
  expect("the host has its own links and no other", links.join() === "eth0,lo,wire0", links)
  return samples
}
