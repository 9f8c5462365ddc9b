/** Where words for people go: stderr or the configured file, never stdout, which holds the CNI answer alone. */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"

export const logLevels = ["debug", "info", "warning", "error"] as const
export type LogLevel = (typeof logLevels)[number]

export class LogService extends Context.Service<
  LogService,
  {
    /** The thunk runs only where the level is shown: decoding a request for a log that nobody reads costs nothing. */
    readonly log: (level: LogLevel, line: () => string) => Effect.Effect<void>
  }
>()("macvtap-cni/services/LogService") {}
