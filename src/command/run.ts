/** Runs `macvtap <command> …` by a table of commands. Never part of a CNI call, which imports nothing of this. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import { quote } from "../wire/foreign.ts"
import { type Command, type Surroundings, ToolError, UsageError } from "./Command.ts"
import { commandHelp, overview } from "./help.ts"
import { parse } from "./parse.ts"

/** The process, as main.ts knows it. */
export interface Start extends Omit<Surroundings, "out" | "operands"> {
  /** Writes to stdout, or says why it cannot. */
  readonly out: (text: string) => Effect.Effect<void, { readonly reason: string }>
}

/** What is run, and the words of `--version`. */
export interface Program {
  readonly commands: ReadonlyArray<Command>
  readonly versionText: string
}

/** Runs a command line and gives its exit status: 0, 1 where something is wrong, 2 where the command line is. */
export const run = (program: Program, argv: ReadonlyArray<string>, start: Start): Effect.Effect<number> => {
  const [name = "--help", ...args] = argv
  const command = program.commands.find((candidate) => candidate.name === name)
  const surroundings: Surroundings = {
    ...start,
    operands: [],
    out: (text) => Effect.mapError(start.out(text), ({ reason }) => new ToolError({ problem: reason }))
  }
  const work =
    command === undefined ? withoutCommand(program, name, surroundings) : perform(command, args, surroundings)
  return work.pipe(Effect.catch(complain(command?.name, surroundings)), Effect.catchCause(fault(command, surroundings)))
}

const perform = Effect.fnUntraced(function* (
  command: Command,
  args: ReadonlyArray<string>,
  surroundings: Surroundings
) {
  const parsed = yield* Effect.fromResult(
    parse(command.options, args, surroundings.env["PWD"], command.operands !== undefined)
  )
  if (parsed.help) {
    yield* surroundings.out(commandHelp(command))
    return 0
  }
  return yield* command
    .run(parsed.values, { ...surroundings, operands: parsed.operands })
    .pipe(Effect.provide(surroundings.machine))
})

const withoutCommand = Effect.fnUntraced(function* (
  { commands, versionText }: Program,
  name: string,
  { out, err }: Surroundings
) {
  if (name === "--help" || name === "-h" || name === "help") yield* out(overview(commands))
  else if (name === "--version" || name === "version") yield* out(versionText)
  else {
    const names = commands.map((known) => known.name).join(", ")
    yield* err(`macvtap: unknown command ${quote(name)}; there are ${names}; see "macvtap --help"\n`)
    return 2
  }
  return 0
})

const complain =
  (name: string | undefined, { err }: Surroundings) =>
  (error: ToolError | UsageError) => {
    const called = name === undefined ? "macvtap" : `macvtap ${name}`
    const advice = error instanceof UsageError ? `see "${called} --help"` : error.advice
    const text = `${called}: ${error.problem}${advice === undefined ? "" : `; ${advice}`}\n`
    return Effect.as(err(text), error instanceof UsageError ? 2 : 1)
  }

/** A fault of the program: a line that says so, not a stack trace. */
const fault =
  (command: Command | undefined, { err }: Surroundings) =>
  (cause: Cause.Cause<never>) => {
    if (Cause.hasInterruptsOnly(cause)) {
      return command?.resident ? Effect.succeed(0) : Effect.as(err("macvtap: stopped by a signal\n"), 1)
    }
    const defect = Cause.squash(cause)
    const words = defect instanceof Error ? defect.message : String(defect)
    return Effect.as(err(`macvtap: internal error: ${words}; this is a fault of macvtap, please report it\n`), 1)
  }
