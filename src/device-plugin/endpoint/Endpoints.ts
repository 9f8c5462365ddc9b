/** All endpoints: one for every resource that is offered, begun, told of changes, and ended. */
import * as Effect from "effect/Effect"
import * as FiberMap from "effect/FiberMap"
import * as SubscriptionRef from "effect/SubscriptionRef"
import { Kubelet } from "../kubelet/Kubelet.ts"
import { setDevices } from "../observe/metrics.ts"
import type { Offer } from "../offer/Offer.ts"
import { makeAnswers } from "./answers.ts"
import { EndpointServer } from "./EndpointServer.ts"
import { runEndpoint } from "./runEndpoint.ts"

/** From the last word on a resource, that its devices are unhealthy, to the end of its endpoint. */
const farewell = "100 millis"

/** Begins with the removal of sockets that a killed daemon has left; the scope's end ends every endpoint. */
export const makeEndpoints = Effect.fn("endpoints")(function* (stateFolder: string) {
  const { folder } = yield* Kubelet
  const stale = yield* (yield* EndpointServer).removeStale(folder)
  if (stale.length > 0) yield* Effect.logInfo("removed stale sockets").pipe(Effect.annotateLogs({ sockets: stale }))
  const fibers = yield* FiberMap.make<string, never, never>()
  const offered = new Map<string, SubscriptionRef.SubscriptionRef<Offer>>()

  const begin = Effect.fnUntraced(function* (offer: Offer) {
    const ref = yield* SubscriptionRef.make(offer)
    offered.set(offer.name, ref)
    const work = runEndpoint(offer.name, yield* makeAnswers(stateFolder, ref))
    yield* FiberMap.run(fibers, offer.name, Effect.annotateLogs(work, { resource: offer.name }))
    yield* Effect.logInfo("offering a resource").pipe(Effect.annotateLogs({ ...offer }))
  })
  const change = Effect.fnUntraced(function* (ref: SubscriptionRef.SubscriptionRef<Offer>, offer: Offer) {
    if (isSame(yield* SubscriptionRef.get(ref), offer)) return
    yield* SubscriptionRef.set(ref, offer)
    const words = offer.present ? "devices are healthy" : "devices are unhealthy"
    yield* Effect.logInfo(words).pipe(Effect.annotateLogs({ ...offer }))
  })
  /** The kubelet hears that the devices are unhealthy before it loses them. */
  const end = Effect.fnUntraced(function* (name: string, ref: SubscriptionRef.SubscriptionRef<Offer>) {
    offered.delete(name)
    yield* SubscriptionRef.update(ref, (offer) => ({ ...offer, present: false }))
    yield* Effect.sleep(farewell)
    yield* FiberMap.remove(fibers, name)
    yield* countDevices(name, 0, 0)
    yield* Effect.logInfo("no longer offering a resource").pipe(Effect.annotateLogs({ resource: name }))
  })

  return {
    /** Whether the resource has an endpoint. */
    has: (name: string): boolean => offered.has(name),
    /** Ends all but those named. */
    keep: Effect.fn("endpoints.keep")(function* (names: ReadonlySet<string>) {
      for (const [name, ref] of [...offered]) if (!names.has(name)) yield* end(name, ref)
    }),
    /** Begins what has no endpoint yet, and tells the others. */
    offer: Effect.fn("endpoints.offer")(function* (offers: ReadonlyArray<Offer>) {
      for (const offer of offers) {
        const ref = offered.get(offer.name)
        yield* ref === undefined ? begin(offer) : change(ref, offer)
        yield* countDevices(offer.name, offer.present ? offer.capacity : 0, offer.present ? 0 : offer.capacity)
      }
    }),
    /** Fails with what an endpoint fails with, which none should. */
    failure: FiberMap.join(fibers)
  }
})

const isSame = (one: Offer, other: Offer): boolean => JSON.stringify(one) === JSON.stringify(other)

const countDevices = (resource: string, healthy: number, unhealthy: number) =>
  Effect.andThen(setDevices(resource, "healthy", healthy), setDevices(resource, "unhealthy", unhealthy))
