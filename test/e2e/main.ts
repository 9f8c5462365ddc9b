/**
 * `npm run e2e [-- --short] [-- part …]`: the built plugin under a real runtime and real virtual machines. Ends with
 * `N passed, N failed, N skipped`; status 1 when something failed, 130 when it was interrupted.
 */
import { existsSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { Interrupted, part, say, skip, stopOnSignals, summary, title } from "../lab/long/report.ts"
import { hasMacvtap } from "../lab/machine.ts"
import { executable } from "../lab/plugin.ts"
import { run } from "../lab/run.ts"
import { containers } from "./containers.ts"
import { deviceImport } from "./deviceImport.ts"
import { type SharedBoot, shareBoot } from "./kernel.ts"
import { machines } from "./machines.ts"
import { migration } from "./migration.ts"
import { newest } from "./newest.ts"
import { survival } from "./survival.ts"
import { makeAgentWay, standalone, type Way } from "./way.ts"

interface Part {
  readonly name: string
  readonly run: (way: Way, boot: SharedBoot, short: boolean) => Promise<void>
  /** It goes both ways by itself. */
  readonly once?: boolean
}

/** In the order in which they run: the quick ones first. */
const parts: Readonly<Record<string, Part>> = {
  import: { name: "A device made beforehand", run: deviceImport },
  newest: { name: "The newest reference plugins, by cnitool", run: newest },
  containers: { name: "Real containers: podman and runc", run: containers },
  machines: { name: "Real virtual machines: QEMU", run: machines },
  migration: { name: "Live migration of a virtual machine", run: migration },
  survival: { name: "What it survives", run: (_way, _boot, short) => survival(short), once: true }
}

/** Each part both ways, where this machine can run a client and an agent; else it is said what keeps it from that. */
const runBothWays = async (wanted: ReadonlyArray<Part>, short: boolean): Promise<void> => {
  const made = await makeAgentWay()
  await using agent = typeof made === "string" ? undefined : made
  await using boot = shareBoot()
  for (const { name, run, once = false } of wanted) {
    if (once) {
      await part(name, () => run(standalone, boot, short))
      continue
    }
    await part(`${name}, ${standalone.name}`, () => run(standalone, boot, short))
    if (agent === undefined) skip(`${name}, a client and an agent`, String(made))
    else await part(`${name}, ${agent.name}`, () => run(agent, boot, short))
  }
}

const build = async (): Promise<boolean> => {
  if (existsSync(executable)) return true
  title("npm run build")
  const root = fileURLToPath(new URL("../..", import.meta.url))
  const { status, stdout, stderr } = await run("npm", ["run", "build"], { cwd: root, timeout: 300_000 })
  if (status === 0) return true
  say(`${stdout}${stderr}`)
  return false
}

const main = async (args: ReadonlyArray<string>): Promise<number> => {
  const short = args.includes("--short") || process.env["E2E_SHORT"] === "1"
  const names = args.filter((arg) => !arg.startsWith("-"))
  // The tests of survival are part of `npm test` in their short form: it is not run twice unless it is asked for.
  const all = Object.keys(parts).filter((name) => !short || name !== "survival")
  const wanted = names.length === 0 ? all : Object.keys(parts).filter((name) => names.includes(name))
  const unknown = names.filter((name) => !(name in parts))
  if (unknown.length > 0) {
    console.error(`no part ${unknown.join(", ")}; there are ${Object.keys(parts).join(", ")}`)
    return 2
  }
  if (!hasMacvtap) {
    const why = process.getuid?.() === 0 ? "this kernel makes no macvtap in a network namespace" : "it needs root"
    for (const name of wanted) skip(parts[name]?.name ?? name, why)
    return summary()
  }
  if (!(await build())) return 1
  say(`${executable}${short ? ", short form" : ""}`)
  try {
    await runBothWays(
      wanted.flatMap((name) => parts[name] ?? []),
      short
    )
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error
    console.log("\ninterrupted")
  }
  return summary()
}

stopOnSignals()
process.exitCode = await main(process.argv.slice(2))
