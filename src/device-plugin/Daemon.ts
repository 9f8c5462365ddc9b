/** The daemon: what the configuration asks for and the links that there are, kept in agreement with what is offered. */
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import { Status } from "../observe/Status.ts"
import { followConfig } from "./config/followConfig.ts"
import { makeEndpoints } from "./endpoint/Endpoints.ts"
import { Kubelet } from "./kubelet/Kubelet.ts"
import { beginCounting, countError } from "./observe/metrics.ts"
import { cleanUp } from "./offer/cleanUp.ts"
import { followLinks } from "./offer/followLinks.ts"
import { followOffers } from "./offer/followOffers.ts"
import type { Offer } from "./offer/Offer.ts"
import { agreed, makeRecord } from "./offer/record.ts"

/** Between tries to write what could not be written. */
const retryDelay = "2 seconds"

/** Runs until it is interrupted; fails only where the configuration that it starts with is wrong. */
export const runDaemon = Effect.fn("daemon")(function* (stateFolder: string, checksOwner: boolean) {
  yield* beginCounting
  const configs = yield* followConfig()
  const offers = yield* followOffers(configs, yield* followLinks())
  const endpoints = yield* makeEndpoints(stateFolder)
  const serve = yield* makeServing(stateFolder, checksOwner, endpoints)
  // A fault in any of them ends the daemon, which is then started anew, instead of leaving half of it.
  return yield* Stream.runDrain(Stream.switchMap(offers, serve)).pipe(
    Effect.andThen(Effect.never),
    Effect.raceFirst(cleanUp(stateFolder)),
    Effect.raceFirst(endpoints.failure)
  )
}, Effect.scoped)

/** Makes offers: written down for ADD first, then told to the kubelet; again and again until they could be written. */
const makeServing = Effect.fnUntraced(function* (
  stateFolder: string,
  checksOwner: boolean,
  endpoints: Effect.Success<ReturnType<typeof makeEndpoints>>
) {
  const status = yield* Status
  const record = makeRecord(stateFolder, { folder: (yield* Kubelet).folder, checksOwner })
  const serve = Effect.fn("offers.serve")(function* (offers: ReadonlyArray<Offer>) {
    const { resources, failure } = yield* record.write(offers)
    yield* endpoints.keep(new Set(offers.map(({ name }) => name)))
    yield* endpoints.offer(agreed(offers, resources, endpoints.has))
    yield* status.set("resources.json", { well: failure === undefined, words: failure ?? "written" })
    if (failure === undefined) return true
    yield* countError("resources")
    yield* Effect.logError(`${failure}; resources that changed are not offered until it can be written`)
    return false
    // Newer offers have to wait for these, lest an endpoint be half begun; but not for another try.
  }, Effect.uninterruptible)
  return (offers: ReadonlyArray<Offer>) =>
    Stream.fromEffect(
      Effect.repeat(serve(offers), { schedule: Schedule.spaced(retryDelay), until: (written) => written })
    )
})
