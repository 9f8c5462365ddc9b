/** One CNI call from outside: what the process was given, and what it answers. Only main.ts knows a process. */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import { CniError, codes } from "./CniError.ts"

/** stdin could not be read; `message` is the reason in words. */
export class StdinError extends Data.TaggedError("StdinError")<{ readonly message: string }> {}

export interface Invocation {
  /** The executable's file name: `macvlan` makes macvlans where the configuration's `type` does not say otherwise. */
  readonly program: string
  readonly env: Readonly<Record<string, string | undefined>>
  /** Read only by the commands that need it: VERSION does not, and a terminal would keep it waiting. */
  readonly stdin: Effect.Effect<string, StdinError>
}

export interface Answer {
  readonly stdout: string
  readonly stderr: string
  readonly exitStatus: 0 | 1
}

/** The configuration's text, or code 5. */
export const readStdin = (invocation: Invocation): Effect.Effect<string, CniError> =>
  Effect.mapError(
    invocation.stdin,
    (error) => new CniError({ code: codes.ioFailure, msg: `error reading from stdin: ${error.message}` })
  )
