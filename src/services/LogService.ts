/** Where words for people go: stderr or the configured file, never stdout, which holds the CNI answer alone. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"

export const logLevels = ["debug", "info", "warning", "error"] as const
export type LogLevel = (typeof logLevels)[number]

/** What a call's configuration says of its log. */
export interface LogSettings {
  /** An absolute path; stderr when left out. */
  readonly file?: string
  /** The lowest level that is shown; `warning` when left out. */
  readonly level?: LogLevel
  /** What every line begins with after its level, so that calls can be told apart: the container ID. */
  readonly context: string
}

export interface Log {
  /** The thunk runs only where the level is shown: decoding a request for a log that nobody reads costs nothing. */
  readonly log: (level: LogLevel, line: () => string) => Effect.Effect<void>
}

/** The log of what is being done; nothing is kept where nobody has opened one. */
export const LogService = Context.Reference<Log>("macvtap-cni/services/LogService", {
  defaultValue: () => ({ log: () => Effect.void })
})

/** Opens the log that a call asks for. */
export class LogOpener extends Context.Service<
  LogOpener,
  {
    /** Never fails: a file that cannot be used is reported, and the lines go to stderr. */
    readonly open: (settings: LogSettings) => Effect.Effect<Log, never, Scope.Scope>
  }
>()("macvtap-cni/services/LogOpener") {}
