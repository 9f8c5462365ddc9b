/** What the offers follow from: the configuration and the links, watched for changes. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { Link } from "../link/Link.ts"
import { Status } from "../observe/Status.ts"
import { LinkMonitor } from "../services/LinkMonitor.ts"
import type { Config } from "./config/Config.ts"
import { ConfigSource } from "./config/ConfigSource.ts"
import { countError, countOverruns } from "./observe/metrics.ts"

/** Milliseconds between tries to subscribe to links. */
const retryDelay = 2000

/** Runs something beside, for as long as the scope lasts. */
export type Fork = <A, E, R>(work: Effect.Effect<A, E, R>) => Effect.Effect<void, never, R | Scope.Scope>

/** Tells every configuration but the first, and all links; a broken configuration leaves the last good one in force. */
export const watchInputs = Effect.fnUntraced(function* (
  first: Config,
  inBackground: Fork,
  onConfig: (config: Config) => Effect.Effect<unknown>,
  onLinks: (links: ReadonlyArray<Link>) => Effect.Effect<unknown>
) {
  const source = yield* ConfigSource
  const monitor = yield* LinkMonitor
  const status = yield* Status
  let last = JSON.stringify(first)
  const reread = source.read.pipe(
    Effect.flatMap((config) => {
      const text = JSON.stringify(config)
      if (text === last) return Effect.void
      last = text
      return Effect.andThen(Effect.logInfo("the configuration has changed"), onConfig(config))
    }),
    Effect.catch((error) =>
      Effect.andThen(
        countError("config"),
        Effect.logError(`the configuration is wrong; the last good one stays in force: ${error.message}`)
      )
    )
  )
  yield* inBackground(Stream.runForEach(source.changes, () => reread))

  let overruns = 0
  const follow = Stream.runForEach(
    monitor.views,
    Effect.fnUntraced(function* (view) {
      if (view.overruns > overruns) {
        yield* countOverruns(view.overruns - overruns)
        yield* Effect.logWarning("the kernel dropped link events; all links were looked at afresh")
      }
      overruns = view.overruns
      yield* status.set("links", { well: true, words: `${view.links.length} links` })
      yield* onLinks(view.links)
    })
  )
  const survived = follow.pipe(
    Effect.catch((error) =>
      Effect.gen(function* () {
        overruns = 0
        yield* countError("links")
        yield* status.set("links", { well: false, words: "links cannot be followed" })
        yield* Effect.logError("links cannot be followed; trying again", error)
        yield* Effect.sleep(retryDelay)
      })
    )
  )
  yield* inBackground(Effect.forever(survived))
})
