/** The daemon: what the configuration asks for and the links that there are, kept in agreement with what is offered. */
import type * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as FiberMap from "effect/FiberMap"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as SubscriptionRef from "effect/SubscriptionRef"
import type { Link } from "../link/Link.ts"
import { HardwareService } from "../services/HardwareService.ts"
import { LinkMonitor } from "../services/LinkMonitor.ts"
import type { Config } from "./Config.ts"
import { ConfigSource } from "./ConfigSource.ts"
import { cleanUp } from "./cleanUp.ts"
import { runEndpoint } from "./Endpoint.ts"
import { countError, countOverruns, operations, setDevices } from "./metrics.ts"
import { makeOffers, type Offer } from "./Offer.ts"
import { makePlugin } from "./plugin.ts"
import { agreed, makeRecord } from "./record.ts"
import { Status } from "./Status.ts"

/** Milliseconds between tries to write what could not be written, and to subscribe to links again. */
const retryDelay = 2000
/** From the last word on a resource, that its devices are unhealthy, to the end of its endpoint. */
const farewell = 100

const sameOffer = (one: Offer, other: Offer): boolean => JSON.stringify(one) === JSON.stringify(other)

type Fork = <A, E, R>(work: Effect.Effect<A, E, R>) => Effect.Effect<void, never, R | Scope.Scope>

/** Keeps `inputs` up to date and says so; a broken configuration leaves the last good one in force. */
const watchInputs = Effect.fnUntraced(function* (
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

/** Runs until it is interrupted; fails only where the configuration that it starts with is wrong. */
export const runDaemon = Effect.fnUntraced(function* (stateFolder: string) {
  const status = yield* Status
  const hardware = yield* HardwareService
  const config = yield* (yield* ConfigSource).read
  yield* Effect.forEach(operations, (operation) => countError(operation, 0), { discard: true })
  yield* countOverruns(0)

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
    const plugin = yield* makePlugin(stateFolder, ref)
    yield* FiberMap.run(
      endpoints,
      offer.name,
      runEndpoint(offer.name, plugin).pipe(Effect.annotateLogs({ resource: offer.name }))
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
