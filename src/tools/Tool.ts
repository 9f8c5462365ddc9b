/** A subcommand for people, `macvtap <name> …`: its options as a table, from which its help is made, and what it does. */
import * as Data from "effect/Data"
import type * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import type { NetlinkService } from "../services/NetlinkService.ts"
import type { NetnsService } from "../services/NetnsService.ts"
import type { TapService } from "../services/TapService.ts"

/** What tools need of the machine: the live layer in production, the in-memory kernel in tests. */
export type Machine = NetlinkService | NetnsService | TapService

/** Where a tool finds itself: the process, as main.ts gives it. */
export interface Surroundings {
  /** The compiled executable that is running, a path; undefined where the sources run. */
  readonly executable: string | undefined
  /** Writes to stdout; what cannot be written is the tool's failure. */
  readonly out: (text: string) => Effect.Effect<void, ToolError>
  /** Writes to stderr, for people; best effort. */
  readonly err: (text: string) => Effect.Effect<void>
  readonly machine: Layer.Layer<Machine>
}

/** The tool cannot do what it was asked to: what is in the way, and what to do about it. */
export class ToolError extends Data.TaggedError("ToolError")<{
  readonly problem: string
  readonly advice?: string
}> {}

/** The command line makes no sense. */
export class UsageError extends Data.TaggedError("UsageError")<{ readonly problem: string }> {}

interface FlagOption {
  readonly type: "boolean"
  readonly help: string
}

interface TextOption {
  readonly type: "string"
  /** What stands for the value in the help: `DIR`. */
  readonly value: string
  readonly help: string
  readonly default: string
}

interface ListOption {
  readonly type: "string"
  readonly multiple: true
  readonly value: string
  readonly help: string
  readonly default: ReadonlyArray<string>
}

export type Options = Readonly<Record<string, FlagOption | TextOption | ListOption>>

/** The values that a command line gives to options. */
export type Values<O extends Options> = {
  readonly [K in keyof O]: O[K] extends FlagOption ? boolean : O[K] extends ListOption ? ReadonlyArray<string> : string
}

export interface Tool<O extends Options = Options> {
  readonly name: string
  /** One line, for the list of tools. */
  readonly summary: string
  /** What a person should know before running it; a paragraph a string. */
  readonly description: ReadonlyArray<string>
  readonly options: O
  /** Gives the exit status. */
  run(values: Values<O>, surroundings: Surroundings): Effect.Effect<number, ToolError | UsageError, Machine>
}

/** Lets TypeScript infer the options. */
export const makeTool = <const O extends Options>(tool: Tool<O>): Tool<O> => tool
