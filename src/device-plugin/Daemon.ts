/** The daemon: what the configuration asks for and the links that there are, kept in agreement with what is offered. */
import type * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as FiberMap from "effect/FiberMap"
import * as Queue from "effect/Queue"
import * as SubscriptionRef from "effect/SubscriptionRef"
import type { Link } from "../link/Link.ts"
import { Status } from "../observe/Status.ts"
import { HardwareService } from "../services/HardwareService.ts"
import { ConfigSource } from "./config/ConfigSource.ts"
import { makeAnswers } from "./endpoint/answers.ts"
import { EndpointServer } from "./endpoint/EndpointServer.ts"
import { runEndpoint } from "./endpoint/runEndpoint.ts"
import { type Fork, watchInputs } from "./inputs.ts"
import { Kubelet } from "./kubelet/Kubelet.ts"
import { countError, countOverruns, operations, setDevices } from "./observe/metrics.ts"
import { cleanUp } from "./offer/cleanUp.ts"
import { makeOffers, type Offer } from "./offer/Offer.ts"
import { agreed, makeRecord } from "./offer/record.ts"

/** Milliseconds between tries to write what could not be written. */
const retryDelay = 2000
/** From the last word on a resource, that its devices are unhealthy, to the end of its endpoint. */
const farewell = 100

const sameOffer = (one: Offer, other: Offer): boolean => JSON.stringify(one) === JSON.stringify(other)

/** Runs until it is interrupted; fails only where the configuration that it starts with is wrong. */
export const runDaemon = Effect.fnUntraced(function* (stateFolder: string) {
  const status = yield* Status
  const hardware = yield* HardwareService
  const config = yield* (yield* ConfigSource).read
  yield* Effect.forEach(operations, (operation) => countError(operation, 0), { discard: true })
  yield* countOverruns(0)

  const kubelet = yield* Kubelet
  const stale = yield* (yield* EndpointServer).removeStale(kubelet.folder)
  if (stale.length > 0) yield* Effect.logInfo("removed stale sockets").pipe(Effect.annotateLogs({ sockets: stale }))

  const crash = yield* Deferred.make<never>()
  /** A fault in what runs beside ends the daemon, which is then started anew, instead of leaving half of it. */
  const inBackground: Fork = (work) =>
    Effect.asVoid(
      Effect.forkScoped(Effect.tapCause(work, (cause) => Deferred.failCause(crash, cause as Cause.Cause<never>)))
    )

  const changed = yield* Queue.sliding<void>(1)
  let current = config
  let links: ReadonlyArray<Link> | undefined
  const tell = Queue.offer(changed, undefined)
  yield* watchInputs(
    config,
    inBackground,
    (next) =>
      Effect.suspend(() => {
        current = next
        return tell
      }),
    (next) =>
      Effect.suspend(() => {
        links = next
        return tell
      })
  )

  const endpoints = yield* FiberMap.make<string, never, never>()
  const offered = new Map<string, SubscriptionRef.SubscriptionRef<Offer>>()
  const record = makeRecord(stateFolder)

  const start = Effect.fnUntraced(function* (offer: Offer) {
    const ref = yield* SubscriptionRef.make(offer)
    offered.set(offer.name, ref)
    const answers = yield* makeAnswers(stateFolder, ref)
    yield* FiberMap.run(
      endpoints,
      offer.name,
      runEndpoint(offer.name, answers).pipe(Effect.annotateLogs({ resource: offer.name }))
    )
    yield* Effect.logInfo("offering a resource").pipe(Effect.annotateLogs({ ...offer }))
  })
  /** The kubelet hears that the devices are unhealthy before it loses the plugin. */
  const withdraw = Effect.fnUntraced(function* (name: string, ref: SubscriptionRef.SubscriptionRef<Offer>) {
    offered.delete(name)
    yield* SubscriptionRef.update(ref, (offer) => ({ ...offer, present: false }))
    yield* Effect.sleep(farewell)
    yield* FiberMap.remove(endpoints, name)
    yield* setDevices(name, "healthy", 0)
    yield* setDevices(name, "unhealthy", 0)
    yield* Effect.logInfo("no longer offering a resource").pipe(Effect.annotateLogs({ resource: name }))
  })
  const apply = Effect.fnUntraced(function* (offer: Offer) {
    const ref = offered.get(offer.name)
    if (ref === undefined) yield* start(offer)
    else if (!sameOffer(yield* SubscriptionRef.get(ref), offer)) {
      yield* SubscriptionRef.set(ref, offer)
      yield* Effect.logInfo(offer.present ? "devices are healthy" : "devices are unhealthy").pipe(
        Effect.annotateLogs({ ...offer })
      )
    }
    yield* setDevices(offer.name, "healthy", offer.present ? offer.capacity : 0)
    yield* setDevices(offer.name, "unhealthy", offer.present ? 0 : offer.capacity)
  })

  yield* inBackground(cleanUp(stateFolder))
  let reported = ""
  const reconcile = Effect.fnUntraced(function* () {
    if (links === undefined) return
    const { offers, clashes } = makeOffers(current, links, hardware.hardwareOf)
    const words = clashes.map(({ name, with: other }) => `${name} (as ${other})`).join(", ")
    if (words !== reported && words !== "") {
      yield* countError("config")
      yield* Effect.logError(`not offered, since their names lead to the same ifindexes as another link's: ${words}`)
    }
    reported = words
    const written = yield* record.write(offers)
    const ready = agreed(offers, written.resources, (name) => offered.has(name))
    for (const [name, ref] of [...offered]) {
      if (!offers.some((offer) => offer.name === name)) yield* withdraw(name, ref)
    }
    yield* Effect.forEach(ready, apply, { discard: true })
    yield* status.set("resources.json", { well: written.failure === undefined, words: written.failure ?? "written" })
    if (written.failure === undefined) return
    yield* countError("resources")
    yield* Effect.logError(`${written.failure}; resources that changed are not offered until it can be written`)
    yield* Effect.forkScoped(Effect.delay(tell, retryDelay))
  })
  const forever = Effect.forever(Effect.andThen(reconcile(), Queue.take(changed)))
  return yield* Effect.raceFirst(forever, Effect.raceFirst(Deferred.await(crash), FiberMap.join(endpoints)))
}, Effect.scoped)
