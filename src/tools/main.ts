/** `macvtap <command> …`: what the executable does for people. Never part of a CNI call, which imports nothing of this. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import { pluginVersion } from "../cni/call/version.ts"
import { quote } from "../wire/foreign.ts"
import { doctor } from "./doctor/doctor.ts"
import { overview, toolHelp } from "./help.ts"
import { install } from "./install/install.ts"
import { uninstall } from "./install/uninstall.ts"
import { list } from "./list/list.ts"
import { parse } from "./parse.ts"
import type { Options, Surroundings, Tool, ToolError, UsageError } from "./Tool.ts"

/** The daemon is a program of its own, started by main.ts; here it is only named. */
const daemon = { name: "device-plugin", summary: "run the device plugin: offer macvtaps to the kubelet as a resource" }

const tools: ReadonlyArray<Tool> = [install, uninstall, doctor, list].map((tool) => tool as Tool)

/** The answer to `--version`; `askVersion` knows our executables by it. */
export const versionText = `macvtap (macvtap-cni) ${pluginVersion}\n`

const perform = Effect.fnUntraced(function* <O extends Options>(
  tool: Tool<O>,
  args: ReadonlyArray<string>,
  surroundings: Surroundings
) {
  const parsed = yield* parse(tool.options, args)
  if (parsed.help) {
    yield* surroundings.out(toolHelp(tool as Tool))
    return 0
  }
  return yield* tool.run(parsed.values, surroundings).pipe(Effect.provide(surroundings.machine))
})

const complain = (name: string, surroundings: Surroundings) => (error: ToolError | UsageError) => {
  const help = `see "macvtap${name === "" ? "" : ` ${name}`} --help"`
  const advice = error._tag === "UsageError" ? help : error.advice
  const text = `macvtap${name === "" ? "" : ` ${name}`}: ${error.problem}${advice === undefined ? "" : `; ${advice}`}\n`
  return Effect.as(surroundings.err(text), error._tag === "UsageError" ? 2 : 1)
}

/** A fault of the program: a line that says so, not a stack trace. */
const fault = (surroundings: Surroundings) => (cause: Cause.Cause<never>) => {
  if (Cause.hasInterruptsOnly(cause)) return Effect.as(surroundings.err("macvtap: stopped by a signal\n"), 1)
  const defect = Cause.squash(cause)
  const words = defect instanceof Error ? defect.message : String(defect)
  return Effect.as(
    surroundings.err(`macvtap: internal error: ${words}; this is a fault of macvtap, please report it\n`),
    1
  )
}

/** Runs a command line and gives its exit status: 0, 1 where something is wrong, 2 where the command line is. */
export const run = (argv: ReadonlyArray<string>, surroundings: Surroundings): Effect.Effect<number> => {
  const [name = "--help", ...args] = argv
  const tool = tools.find((candidate) => candidate.name === name)
  const work = Effect.gen(function* () {
    if (tool !== undefined) return yield* perform(tool, args, surroundings)
    if (name === "--help" || name === "-h" || name === "help") yield* surroundings.out(overview([daemon, ...tools]))
    else if (name === "--version" || name === "version") yield* surroundings.out(versionText)
    else {
      const names = [daemon, ...tools].map((known) => known.name).join(", ")
      yield* surroundings.err(`macvtap: unknown command ${quote(name)}; there are ${names}; see "macvtap --help"\n`)
      return 2
    }
    return 0
  })
  return work.pipe(Effect.catch(complain(tool?.name ?? "", surroundings)), Effect.catchCause(fault(surroundings)))
}
