/** The node's links as they are now. */
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import type { Link } from "../../link/Link.ts"
import { Status } from "../../observe/Status.ts"
import { LinkMonitor, type LinkView } from "../../services/LinkMonitor.ts"
import { describeFault } from "../describeFault.ts"
import { countError, countOverruns } from "../observe/metrics.ts"

/** Between tries to subscribe to links. */
const retryDelay = "2 seconds"

/** Never ends: where links cannot be followed, it says so, and tries again. */
export const followLinks = Effect.fn("links")(function* () {
  const monitor = yield* LinkMonitor
  const status = yield* Status
  const tell = Effect.fnUntraced(function* ({ links }: LinkView, dropped: number) {
    if (dropped > 0) {
      yield* countOverruns(dropped)
      yield* Effect.logWarning("the kernel dropped link events; all links were looked at afresh")
    }
    yield* status.set("links", { well: true, words: `${links.length} links` })
  })
  const complain = (error: unknown) =>
    Effect.logError(`links cannot be followed; trying again: ${describeFault(error)}`).pipe(
      Effect.andThen(countError("links")),
      Effect.andThen(status.set("links", { well: false, words: "links cannot be followed" }))
    )
  return monitor.views.pipe(
    Stream.mapAccum(
      () => 0,
      (before, view: LinkView) => [view.overruns, [{ view, dropped: view.overruns - before }]] as const
    ),
    Stream.tap(({ view, dropped }) => tell(view, dropped)),
    Stream.map(({ view }): ReadonlyArray<Link> => view.links),
    Stream.tapError(complain),
    Stream.retry(Schedule.spaced(retryDelay)),
    // It ends only by failing, and that is tried again.
    Stream.orDie
  )
})
