/** Everything that a run found, as bench/results.json holds it, and what the targets make of it. */
import { execFileSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { cpus, loadavg, release, totalmem } from "node:os"
import { join } from "node:path"
import type { Command } from "./call.ts"
import type { Contender, Sample, Samples } from "./cold.ts"
import type { AtOncePoint, Collected, LinksPoint } from "./growth.ts"
import type { Memory } from "./memory.ts"
import type { Phases } from "./phases.ts"
import type { Asked } from "./requests.ts"
import { pairedRatio, type Ratio, type Summary, summarize } from "./stats.ts"

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
  /** Ratios that targets are about, from pairs. */
  readonly ratios: {
    readonly addAgainstGo?: Ratio
    readonly addAgainstMoving?: Ratio
    readonly delAgainstGo?: Ratio
    readonly versionAgainstEmpty?: Ratio
  }
  readonly memory?: Memory
  readonly phases?: Readonly<Record<Command, Phases>>
  readonly asked?: Readonly<Record<string, Asked>>
  readonly links?: ReadonlyArray<LinksPoint>
  readonly atOnce?: ReadonlyArray<AtOncePoint>
  readonly collected?: Collected
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
  const named = {
    addAgainstGo: ratio("plugin", "ADD", "go"),
    addAgainstMoving: ratio("plugin", "ADD", "moving"),
    delAgainstGo: ratio("plugin", "DEL", "go"),
    versionAgainstEmpty: ratio("plugin", "VERSION", "empty")
  }
  return {
    names: Object.fromEntries(everyone.map(({ key, name }) => [key, name])),
    cold: Object.fromEntries(
      everyone.map(({ key, commands }) => [
        key,
        Object.fromEntries(commands.map((command) => [command, measured(key, command)]))
      ])
    ),
    ratios: Object.fromEntries(Object.entries(named).filter(([, value]) => value !== undefined))
  }
}

export interface Target {
  readonly what: string
  readonly limit: string
  readonly found: string
  readonly met: boolean | undefined
}

const ratioTarget = (what: string, limit: number, ratio: Ratio | undefined): Target => ({
  what,
  limit: limit === 1 ? "less than 1" : `at most ${limit}`,
  found:
    ratio === undefined
      ? "not measured"
      : `${ratio.ratio.toFixed(2)} (${ratio.low.toFixed(2)} – ${ratio.high.toFixed(2)})`,
  met: ratio === undefined ? undefined : limit === 1 ? ratio.ratio < 1 : ratio.ratio <= limit
})

export const targets = ({ ratios, memory }: Results): ReadonlyArray<Target> => {
  const peak = memory === undefined ? undefined : Math.max(...Object.values(memory["plugin"] ?? {}))
  return [
    ratioTarget("cold ADD, to Go's macvlan", 2.5, ratios.addAgainstGo),
    ratioTarget("cold ADD, to the same created on the host and moved", 1, ratios.addAgainstMoving),
    ratioTarget("cold DEL, to Go's macvlan", 1.6, ratios.delAgainstGo),
    ratioTarget("VERSION, to an empty Bun executable", 2, ratios.versionAgainstEmpty),
    {
      what: "peak memory of any command",
      limit: "at most 45 MiB",
      found: peak === undefined ? "not measured" : `${peak.toFixed(1)} MiB`,
      met: peak === undefined ? undefined : peak <= 45
    }
  ]
}
