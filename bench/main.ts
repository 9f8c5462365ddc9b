/**
 * `npm run bench [-- --short] [-- --write]`: what a call of the built plugin takes, beside Go's macvlan, an empty program
 * and the kernel itself. The full form writes what it found (see write.ts), the short one only with `--write`. Ends with
 * `N passed, N failed, N skipped`: what was checked. A missed target is told, and is no failure.
 */
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync } from "node:fs"
import { join, resolve } from "node:path"
import { fileURLToPath } from "node:url"
import { execve } from "../src/live/system/libc.ts"
import { newestPlugins } from "../test/cluster/parts/newestPlugins.ts"
import {
  Interrupted,
  interrupted,
  Skipped,
  say,
  skip,
  step,
  stopOnSignals,
  summary,
  title
} from "../test/lab/long/report.ts"
import { hasMacvtap } from "../test/lab/machine.ts"
import { startAgents, warmUp } from "./agents.ts"
import { callAtOnce } from "./atOnce.ts"
import { burst } from "./burst.ts"
import { goMacvlan } from "./call.ts"
import { contenders, type Executables, measureCold } from "./cold.ts"
import { addByDevice } from "./device.ts"
import { collect, growLinks } from "./growth.ts"
import { gnuTime, measureMemory } from "./memory.ts"
import { measurePhases } from "./phases.ts"
import { build, installPrograms } from "./prepare.ts"
import { type Asked, strace, traceCalls, traceGc } from "./requests.ts"
import { liveLong } from "./resident.ts"
import { lookAround, putTogether, type Results, targets } from "./results.ts"
import { makeNamespaces, makeScene, namespaces, pathOf, removeNamespaces } from "./scene.ts"
import { enterNetns } from "./spawn.ts"
import * as tables from "./tables.ts"
import { compareTracing } from "./tracing.ts"
import { write } from "./write.ts"

const root = fileURLToPath(new URL("..", import.meta.url))

const forms = {
  full: {
    rounds: 150,
    warmUp: 20,
    agentWarmUp: 200,
    memoryRuns: 5,
    phaseRounds: 60,
    atOnce: { sizes: [1, 2, 4, 8, 16, 32, 64, 110, 256, 512], runs: 5, telling: { sizes: [64, 110], more: 16 } },
    burst: 110,
    resident: 20_000,
    tracing: 150,
    gc: { attachments: 500, runs: 5 },
    links: { sizes: [0, 100, 1000, 2000], runs: 20 }
  },
  short: {
    rounds: 12,
    warmUp: 4,
    agentWarmUp: 100,
    memoryRuns: 1,
    phaseRounds: 6,
    atOnce: { sizes: [1, 8], runs: 2, telling: { sizes: [], more: 0 } },
    burst: 20,
    resident: 320,
    tracing: 12,
    gc: { attachments: 40, runs: 2 },
    links: { sizes: [0, 200], runs: 4 }
  }
} as const

const show = (table: string | undefined): void => {
  if (table !== undefined) console.log(`\n${table.replace(/^/gm, "  ")}\n`)
}

/** Whether the program is there; where not, the step is skipped. */
const has = (name: string, program: string): boolean => {
  if (existsSync(program)) return true
  skip(name, `there is no ${program} on this machine`)
  return false
}

const measureAll = async (
  folder: string,
  form: (typeof forms)["full" | "short"],
  before: string | undefined
): Promise<Results | undefined> => {
  await using stack = new AsyncDisposableStack()
  title("Preparations")
  const surroundings = lookAround(root)
  await installPrograms()
  const built = await build(root, folder)
  const { plugin } = built
  // In the machine's own namespace still: the module proxy is not to be had from another.
  const newest = await newestPlugins()
  if (typeof newest === "string") skip("Go's macvlan of the newest release", newest)
  const scene = await makeScene(folder)
  enterNetns(pathOf(scene.host))
  const agents = stack.use(await startAgents(folder, built))
  const agent = agents.inPlace
  const executables: Executables & typeof built = {
    ...built,
    client: agent?.client,
    ...(typeof newest === "string"
      ? {}
      : { newest: { macvlan: join(newest.folder, "macvlan"), version: newest.version } })
  }
  const warming =
    agent === undefined
      ? undefined
      : await step(`${form.agentWarmUp} rounds for the agents alone, until they are warm`, () =>
          warmUp(scene, [agent, ...(agents.moving === undefined ? [] : [agents.moving])], form.agentWarmUp)
        )

  title("Cold calls")
  has("Go's macvlan beside ours", goMacvlan)
  const everyone = contenders(scene, executables)
  const samples = await step(`${form.rounds} rounds: everyone answers right and leaves nothing behind`, () =>
    measureCold(scene, everyone, {
      rounds: form.rounds,
      warmUp: form.warmUp,
      progress: (round) => {
        if (round > 0 && round % 25 === 0) say(`${round} rounds`)
      }
    })
  )
  if (samples === undefined) return undefined
  const memory = has("peak memory", gnuTime)
    ? await step("peak memory", () => measureMemory(scene, everyone, form.memoryRuns))
    : undefined
  const phases = await step("where the time goes", () => measurePhases(scene, executables, form.phaseRounds))

  title("What a call asks of the kernel")
  const traces = existsSync(strace)
  const asked: Record<string, Asked> = {}
  const trace = (links: number, containerID: string, netns: string): Promise<unknown> =>
    step(`ADD, CHECK and DEL beside ${links} other links dump no links and list no folder`, async () => {
      for (const [command, of] of Object.entries(traceCalls(folder, plugin, { containerID, netns }))) {
        asked[links === 0 ? command : `${command} beside ${links} other links`] = of
      }
    })
  const [traced = ""] = await makeNamespaces(scene, ["strace"])
  if (has("no dump to find a link", strace)) await trace(0, traced, pathOf(traced))

  title("How the cost grows")
  // First: the rest is measured with an agent that has been up for a while.
  const { client } = executables
  const resident =
    client === undefined || agent === undefined
      ? undefined
      : await step(
          `${form.resident.toLocaleString("en")} calls of one agent, ${form.burst} at once, and then none`,
          () =>
            liveLong(scene, client, agent.pid, { calls: form.resident, burst: form.burst }, traces ? strace : undefined)
        )
  const atOnce = await step(
    `${form.atOnce.sizes.join(", ")} ADDs and DELs at once all answer right, and leave nothing`,
    () => callAtOnce(scene, executables, agents, form.atOnce)
  )
  const collected = await step(`GC with ${form.gc.attachments} attachments removes what is stale, and no more`, () =>
    collect(scene, executables, form.gc.attachments, form.gc.runs, (valid) => {
      if (traces) asked[`GC with ${valid.length} attachments, for comparison`] = traceGc(folder, plugin, valid)
    })
  )
  const inLittle = await step(`${form.burst} ADDs at once in 50 MiB`, async () => {
    const found = await burst(scene, executables, form.burst)
    if (found === undefined) throw new Skipped("there is no client, or no memory cgroup to be had")
    return found
  })
  const tracing =
    client === undefined
      ? undefined
      : await step("ADD with tracing off, on and sampled", () => compareTracing(scene, form.tracing))
  const links = await step(`ADD and DEL beside ${form.links.sizes.join(", ")} other links`, () =>
    growLinks(scene, plugin, form.links.sizes, form.links.runs)
  )
  const most = form.links.sizes.at(-1) ?? 0
  if (traces && links !== undefined) await trace(most, traced, pathOf(links.netns))
  // Last: from here on there is a folder of devices' nodes, which an ADD looks into.
  const devices = await step("ADD by a device of the device plugin, and by master", () =>
    addByDevice(scene, executables, before, form.tracing)
  )

  return {
    surroundings,
    short: form === forms.short,
    ...putTogether(everyone, samples),
    asked,
    ...(memory === undefined ? {} : { memory }),
    ...(warming === undefined ? {} : { warming }),
    ...(phases === undefined ? {} : { phases }),
    ...(links === undefined ? {} : { links: links.points }),
    ...(inLittle === undefined ? {} : { burst: inLittle }),
    ...(resident === undefined ? {} : { resident }),
    ...(tracing === undefined ? {} : { tracing }),
    ...(devices === undefined ? {} : { devices }),
    ...(atOnce === undefined ? {} : { atOnce }),
    ...(collected === undefined ? {} : { collected })
  }
}

const tell = (results: Results): void => {
  title("Results")
  show(tables.warmingText(results))
  show(tables.wallTable(results))
  show(tables.kernelTable(results))
  show(tables.cpuTable(results))
  show(tables.memoryTable(results))
  show(tables.phasesTable(results))
  show(tables.askedTable(results))
  show(tables.linksTable(results))
  show(tables.atOnceTable(results))
  show(tables.gcText(results))
  show(tables.burstTable(results))
  show(tables.residentText(results))
  show(tables.tracingTable(results))
  show(tables.devicesTable(results))
  show(tables.surroundingsText(results))
  title("Targets")
  for (const { what, limit, found, met } of targets(results)) {
    say(`${met === undefined ? "not measured" : met ? "met" : "NOT MET"}: ${what}: ${found}, target ${limit}`)
  }
  show(tables.remainsText(results))
}

const main = async (args: ReadonlyArray<string>): Promise<number> => {
  const short = args.includes("--short") || process.env["BENCH_SHORT"] === "1"
  const at = args.indexOf("--before")
  const before = at < 0 ? undefined : resolve(args[at + 1] ?? "")
  const unknown = args.filter(
    (arg, index) => !["--short", "--write", "--before"].includes(arg) && (at < 0 || index !== at + 1)
  )
  const isThere = before === undefined || statSync(before, { throwIfNoEntry: false })?.isFile() === true
  if (unknown.length > 0 || !isThere) {
    console.error(`there are --short, --write and --before FILE (another build of macvtap): ${args.join(" ")}`)
    return 2
  }
  if (!hasMacvtap) {
    skip("everything", process.getuid?.() === 0 ? "this kernel makes no macvtap in a namespace" : "it needs root")
    return summary()
  }
  process.chdir(root)
  // Below the project, where the variants' imports find its packages.
  const cache = join(root, "node_modules/.cache/macvtap-cni")
  mkdirSync(cache, { recursive: true })
  const folder = mkdtempSync(join(cache, "bench-"))
  try {
    const results = await measureAll(folder, short ? forms.short : forms.full, before)
    if (results !== undefined) {
      tell(results)
      if (!short || args.includes("--write")) say(`written: ${write(root, results).join(", ")}`)
    }
  } catch (error) {
    if (!(error instanceof Interrupted || interrupted.aborted)) throw error
    console.log("\ninterrupted")
  } finally {
    await removeNamespaces(folder, await namespaces())
    rmSync(folder, { recursive: true, force: true })
  }
  if (!interrupted.aborted) {
    await step("no namespace is left", async () => {
      const left = await namespaces()
      if (left.length > 0) throw new Error(left.join(", "))
    })
  }
  return summary()
}

/**
 * The same again in mounts of its own: the plugin's folders there are the bench's and not the machine's, and are in memory, as
 * /run is on a node; on a disk a claim would take a tenth of an ADD.
 */
const beginInOwnMounts = (): never => {
  const script =
    'for own in /run/macvtap-cni /var/lib/macvtap-cni; do mkdir -p $own; mount -t tmpfs none $own; done; exec "$@"'
  const again = [process.execPath, ...process.execArgv, ...process.argv.slice(1)]
  const words = ["env", "unshare", "--mount", "--propagation", "private", "sh", "-ec", script, "sh", ...again]
  const env = Object.entries({ ...process.env, BENCH_IN_OWN_MOUNTS: "1" }).map(([name, value]) => `${name}=${value}`)
  return execve("/usr/bin/env", words, env, [0, 1, 2])
}

if (hasMacvtap && process.env["BENCH_IN_OWN_MOUNTS"] === undefined) beginInOwnMounts()
stopOnSignals()
process.exitCode = await main(process.argv.slice(2))
