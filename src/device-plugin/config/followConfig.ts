/** The configuration in force: what is read at the start, and every good one after that. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { countError } from "../observe/metrics.ts"
import type { Config } from "./Config.ts"
import { ConfigSource } from "./ConfigSource.ts"

/** Reads it, and fails where it is wrong; the stream begins with it. A broken one leaves the last good one in force. */
export const followConfig = Effect.fn("config")(function* () {
  const source = yield* ConfigSource
  const first = yield* source.read
  const later = source.changes.pipe(
    Stream.mapEffect(() => Effect.matchEffect(source.read, { onSuccess: Effect.succeedSome, onFailure: complain })),
    Stream.flatMap((config) => (Option.isSome(config) ? Stream.make(config.value) : Stream.empty))
  )
  return Stream.make(first).pipe(
    Stream.concat(later),
    Stream.changesWith(isSame),
    Stream.zipWithIndex,
    Stream.tap(([, n]) => (n === 0 ? Effect.void : Effect.logInfo("the configuration has changed"))),
    Stream.map(([config]) => config)
  )
})

const isSame = (one: Config, other: Config): boolean => JSON.stringify(one) === JSON.stringify(other)

const complain = ({ message }: Error) =>
  Effect.logError(`the configuration is wrong; the last good one stays in force: ${message}`).pipe(
    Effect.andThen(countError("config")),
    Effect.as(Option.none<Config>())
  )
