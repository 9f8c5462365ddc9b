/** A command for people, `macvtap <name> …`: its options as a table, from which parsing and help are made, and what it does. */
import * as Data from "effect/Data"
import type * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import type { NetlinkService } from "../services/NetlinkService.ts"
import type { NetnsService } from "../services/NetnsService.ts"
import type { TapService } from "../services/TapService.ts"

export interface Command<O extends Options = Options> {
  readonly name: string
  /** One line, for the list of commands. */
  readonly summary: string
  /** What a person should know before running it; a paragraph a string. */
  readonly description: ReadonlyArray<string>
  readonly options: O
  /** What may follow the options, as its usage shows it; nothing where left out. */
  readonly operands?: string
  /** It runs until it is told to end, and has then done its work: status 0. */
  readonly resident?: true
  /** Gives the exit status. */
  run(values: Values<O>, surroundings: Surroundings): Effect.Effect<number, ToolError | UsageError, Machine>
}

export type Options = Readonly<Record<string, FlagOption | TextOption | ListOption>>

interface FlagOption {
  readonly type: "boolean"
  readonly help: string
}

interface TextOption extends WithValue {
  readonly default?: string
  /** The only values that it can have. */
  readonly choices?: ReadonlyArray<string>
}

interface ListOption extends WithValue {
  readonly multiple: true
  readonly default: ReadonlyArray<string>
}

interface WithValue {
  readonly type: "string"
  /** What stands for the value in the help: `DIR`. */
  readonly value: string
  readonly help: string
  /** A path, which has to be absolute: the executable's working directory is not the person's, but `/`. */
  readonly path?: true
}

/** The values that a command line gives to options. */
export type Values<O extends Options> = {
  readonly [K in keyof O]: O[K] extends FlagOption
    ? boolean
    : O[K] extends ListOption
      ? ReadonlyArray<string>
      : O[K] extends { readonly choices: ReadonlyArray<infer C> }
        ? C
        : O[K] extends { readonly default: string }
          ? string
          : string | undefined
}

/** Where a command finds itself: the process, as main.ts gives it. */
export interface Surroundings {
  /** The compiled executable that is running, a path; undefined where the sources run. */
  readonly executable: string | undefined
  readonly env: Readonly<Record<string, string | undefined>>
  /** What starts this very program again: the file, and its arguments. */
  readonly commandLine: ReadonlyArray<string>
  readonly pid: number
  /** Writes to stdout; what cannot be written is the command's failure. */
  readonly out: (text: string) => Effect.Effect<void, ToolError>
  /** Writes to stderr; best effort. */
  readonly err: (text: string) => Effect.Effect<void>
  /** Writes lines to stderr without waiting for whoever reads it: for what stays up, and must not stop. */
  readonly log: (line: string) => void
  readonly machine: Layer.Layer<Machine>
  /** What follows the options, where the command takes any. */
  readonly operands: ReadonlyArray<string>
}

/** What commands need of the machine: the live layer in production, the in-memory kernel in tests. */
export type Machine = NetlinkService | NetnsService | TapService

/** The command cannot do what it was asked to: what is in the way, and what to do about it. */
export class ToolError extends Data.TaggedError("ToolError")<{
  readonly problem: string
  readonly advice?: string
}> {}

/** The command line makes no sense. */
export class UsageError extends Data.TaggedError("UsageError")<{ readonly problem: string }> {}

/** Lets TypeScript infer the options. */
export const makeCommand = <const O extends Options>(command: Command<O>): Command<O> => command
