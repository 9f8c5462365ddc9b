/** Everything that a run found, as bench/results.json holds it, and what the targets make of it. */
import { execFileSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { cpus, loadavg, release, totalmem } from "node:os"
import { join } from "node:path"
import type { Warming } from "./agents.ts"
import type { AtOncePoint } from "./atOnce.ts"
import type { Burst } from "./burst.ts"
import type { Command } from "./call.ts"
import type { Contender, Sample, Samples } from "./cold.ts"
import type { Devices } from "./device.ts"
import type { Collected, LinksPoint } from "./growth.ts"
import type { Memory } from "./memory.ts"
import type { Phases } from "./phases.ts"
import type { Asked } from "./requests.ts"
import type { Resident } from "./resident.ts"
import { pairedRatio, type Ratio, type Summary, summarize } from "./stats.ts"
import type { Tracing } from "./tracing.ts"

export interface Surroundings {
  readonly date: string
  readonly processor: string
  readonly cores: number
  readonly memoryGiB: number
  readonly kernel: string
  readonly architecture: string
  /** Processes that wanted a core, on average over a minute, when the run began: 0 on a quiet machine. */
  readonly loadAverage: number
  readonly versions: Readonly<Record<string, string>>
}

const versionOf = (root: string, name: string): string =>
  JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")).packages[`node_modules/${name}`]?.version ??
  "unknown"

const debianVersion = (name: string): string => {
  try {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg-query's own syntax.
    return execFileSync("dpkg-query", ["-W", "-f", "${Version}", name], { encoding: "utf8", stdio: "pipe" })
  } catch {
    return "unknown"
  }
}

export const lookAround = (root: string): Surroundings => ({
  date: new Date().toISOString().slice(0, 10),
  processor: cpus()[0]?.model.trim() || "unknown",
  cores: cpus().length,
  memoryGiB: Math.round(totalmem() / 2 ** 30),
  kernel: release(),
  architecture: process.arch,
  loadAverage: Math.round((loadavg()[0] ?? 0) * 100) / 100,
  versions: {
    node: process.version.slice(1),
    bun: versionOf(root, process.arch === "arm64" ? "@oven/bun-linux-aarch64" : "@oven/bun-linux-x64"),
    effect: versionOf(root, "effect"),
    koffi: versionOf(root, "koffi"),
    "containernetworking-plugins": debianVersion("containernetworking-plugins")
  }
})

/** One contender's samples of one command, put together. */
export interface Measured {
  readonly wall: Summary
  readonly cpu: Summary
  readonly kernel?: Summary
  /** Wall time against Go's macvlan in the same rounds. */
  readonly againstGo?: Ratio
}

export interface Results {
  readonly surroundings: Surroundings
  readonly short: boolean
  readonly names: Readonly<Record<string, string>>
  readonly cold: Readonly<Record<string, Partial<Record<Command, Measured>>>>
  /** Ratios that targets are about, from pairs, by the names of `targets`. */
  readonly ratios: Readonly<Record<string, Ratio>>
  readonly memory?: Memory
  readonly warming?: Warming
  readonly phases?: Readonly<Record<Command, Phases>>
  readonly asked?: Readonly<Record<string, Asked>>
  readonly links?: ReadonlyArray<LinksPoint>
  readonly atOnce?: ReadonlyArray<AtOncePoint>
  readonly collected?: Collected
  readonly burst?: Burst
  readonly resident?: Resident
  readonly tracing?: Tracing
  readonly devices?: Devices
}

const walls = (samples: ReadonlyArray<Sample> | undefined): ReadonlyArray<number> =>
  (samples ?? []).map(({ wall }) => wall)

export const putTogether = (
  everyone: ReadonlyArray<Contender>,
  samples: Samples
): Pick<Results, "names" | "cold" | "ratios"> => {
  const ratio = (one: string, command: Command, other: string): Ratio | undefined => {
    const [a, b] = [walls(samples[one]?.[command]), walls(samples[other]?.[command])]
    return a.length === 0 || b.length === 0 ? undefined : pairedRatio(a, b)
  }
  const measured = (key: string, command: Command): Measured => {
    const mine = samples[key]?.[command] ?? []
    const againstGo = key === "go" ? undefined : ratio(key, command, "go")
    const kernel = mine.flatMap((sample) => (sample.kernel === undefined ? [] : [sample.kernel]))
    return {
      wall: summarize(walls(mine)),
      cpu: summarize(mine.map(({ cpu }) => cpu)),
      ...(kernel.length === 0 ? {} : { kernel: summarize(kernel) }),
      ...(againstGo === undefined ? {} : { againstGo })
    }
  }
  const named = Object.fromEntries(
    paired.map(({ what, of: [one, command, other] }) => [what, ratio(one, command, other)])
  )
  return {
    names: Object.fromEntries(everyone.map(({ key, name }) => [key, name])),
    cold: Object.fromEntries(
      everyone.map(({ key, commands }) => [
        key,
        Object.fromEntries(commands.map((command) => [command, measured(key, command)]))
      ])
    ),
    ratios: Object.fromEntries(
      Object.entries(named).flatMap(([what, found]) => (found === undefined ? [] : [[what, found]]))
    )
  }
}

export interface Target {
  readonly what: string
  readonly limit: string
  readonly found: string
  readonly met: boolean | undefined
}

/** Wall times of two in the same rounds, and what the one may take of the other's. */
const paired: ReadonlyArray<{
  readonly what: string
  readonly of: readonly [one: string, command: Command, other: string]
  readonly limit: number
}> = [
  { what: "ADD, client and agent, to Go's macvlan", of: ["client", "ADD", "go"], limit: 0.5 },
  { what: "ADD, client and agent, to Go's newest macvlan", of: ["client", "ADD", "goNewest"], limit: 0.5 },
  { what: "DEL, client and agent, to Go's macvlan", of: ["client", "DEL", "go"], limit: 0.95 },
  { what: "CHECK, client and agent, to Go's macvlan", of: ["client", "CHECK", "go"], limit: 0.4 },
  { what: "VERSION, client, to Go's macvlan", of: ["client", "VERSION", "go"], limit: 0.3 },
  { what: "ADD, standalone, to Go's macvlan", of: ["plugin", "ADD", "go"], limit: 5 },
  { what: "ADD, standalone, to the same created on the host and moved", of: ["plugin", "ADD", "moving"], limit: 1 }
]

export const targets = ({ ratios, atOnce, burst, resident, collected }: Results): ReadonlyArray<Target> => [
  ...paired.map(({ what, limit }) => ratioTarget(what, limit, ratios[what])),
  ...(atOnce ?? [])
    .filter(({ calls }) => calls === 64 || calls === 110)
    .flatMap(({ calls, client, go }) =>
      client === undefined || go === undefined
        ? []
        : [
            simpleTarget(`${calls} ADDs at once, client and agent, to Go's macvlan`, client.add / go.add, 0.5),
            simpleTarget(`${calls} DELs at once, client and agent, to Go's macvlan`, client.del / go.del, 1)
          ]
    ),
  ...(burst === undefined
    ? []
    : [
        simpleTarget(`calls lost of ${burst.calls} at once in 50 MiB, client and agent`, burst.client.lost, 0),
        simpleTarget("MiB for one client in that burst", burst.client.peakMiB / burst.calls, 1)
      ]),
  ...(resident === undefined
    ? []
    : [
        simpleTarget(
          `MiB of the agent after ${resident.calls} calls and ${resident.burst} at once`,
          resident.endMiB,
          64
        ),
        simpleTarget("MiB that it grew by in the last half of those calls", resident.lateMiB - resident.middleMiB, 1)
      ]),
  ...(collected?.client === undefined
    ? []
    : [
        simpleTarget(
          `seconds for a GC that removes ${collected.removed} links, client and agent`,
          collected.client / 1000,
          2
        )
      ])
]

const simpleTarget = (what: string, found: number, limit: number): Target => ({
  what,
  limit: `at most ${limit}`,
  found: found.toFixed(2),
  met: found <= limit
})

const ratioTarget = (what: string, limit: number, ratio: Ratio | undefined): Target => ({
  what,
  limit: limit === 1 ? "less than 1" : `at most ${limit}`,
  found:
    ratio === undefined
      ? "not measured"
      : `${ratio.ratio.toFixed(2)} (${ratio.low.toFixed(2)} – ${ratio.high.toFixed(2)})`,
  met: ratio === undefined ? undefined : limit === 1 ? ratio.ratio < 1 : ratio.ratio <= limit
})
