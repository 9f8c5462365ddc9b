/**
 * One resource's endpoint, for as long as it is offered: served first, then registered; registered again whenever the
 * kubelet is a new one, and served again whenever its socket is lost. The kubelet removes every socket in its folder when
 * it starts, and forgets all plugins.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Queue from "effect/Queue"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { indexBlock } from "../../devices/deviceID.ts"
import { resourceDomain } from "../config/Config.ts"
import { Kubelet, type KubeletFolder } from "../kubelet/Kubelet.ts"
import { countAllocations, countError, countRegistrations } from "../observe/metrics.ts"
import { Status } from "../observe/Status.ts"
import { type Plugin, PluginServer, type Served } from "./PluginServer.ts"
import { pluginOptions } from "./serve.ts"

/** Milliseconds. */
const firstDelay = 100
const longestDelay = 10_000
/** From a registration to the kubelet's ListAndWatch, which it calls at once; without one it has not taken us. */
const dialLimit = 10_000
/** Another daemon has put its socket in our place: it is left alone for that long, lest the two take turns for ever. */
const truce = 30_000

/** A file name for the resource's socket; by its block of ifindexes, which is its alone, where the path would be too long. */
export const endpointName = (folder: string, resource: string): string => {
  const name = `macvtap-${resource}.sock`
  return Buffer.byteLength(`${folder}/${name}`) <= 107 ? name : `macvtap-${indexBlock(resource)}.sock`
}

interface Serving {
  readonly served: Served
  readonly scope: Scope.Closeable
}

interface Registered {
  /** The kubelet's socket, by its identity. */
  readonly socket: string
  readonly at: number
  /** Whether it has called ListAndWatch. */
  dialled: boolean
}

/** Never ends; its scope's end takes everything back. */
export const runEndpoint = Effect.fnUntraced(function* (resource: string, plugin: Plugin) {
  const kubelet = yield* Kubelet
  const server = yield* PluginServer
  const status = yield* Status
  const resourceName = `${resourceDomain}/${resource}`
  const endpoint = endpointName(kubelet.folder, resource)
  const part = `resource ${resource}`
  const wake = yield* Queue.sliding<void>(1)
  const woken = <E>(stream: Stream.Stream<void, E>) =>
    Effect.forkScoped(Stream.runForEach(stream, () => Queue.offer(wake, undefined)))

  let serving: Serving | undefined
  let registered: Registered | undefined
  let failures = 0
  /** Before that time nothing is tried again. */
  let notBefore = 0
  let lastSocket: string | undefined

  const put = (well: boolean, words: string) => status.set(part, { well, words })
  const later = Effect.fnUntraced(function* (delay = Math.min(firstDelay * 2 ** failures, longestDelay)) {
    failures++
    notBefore = (yield* Clock.currentTimeMillis) + delay
  })

  const stop = Effect.suspend(() => {
    const scope = serving?.scope
    serving = undefined
    registered = undefined
    return scope === undefined ? Effect.void : Scope.close(scope, Exit.void)
  })
  yield* Effect.addFinalizer(() => Effect.andThen(stop, status.remove(part)))

  const serve = Effect.fnUntraced(function* () {
    const scope = yield* Scope.make()
    const exit = yield* server.serve(`${kubelet.folder}/${endpoint}`, plugin).pipe(
      Effect.tap(({ streamChanges }) => woken(streamChanges)),
      Scope.provide(scope),
      Effect.exit
    )
    if (Exit.isSuccess(exit)) {
      serving = { served: exit.value, scope }
      return yield* put(true, "served, waiting for the kubelet")
    }
    yield* Scope.close(scope, exit)
    yield* later()
    yield* put(false, "its socket cannot be made")
    yield* countError("serve")
    yield* Effect.logError("the endpoint cannot be served", exit.cause)
  }, Effect.uninterruptible)

  const checkServing = Effect.fnUntraced(function* (folder: KubeletFolder) {
    const state = serving === undefined ? undefined : yield* serving.served.state
    if (state === "lost" || state === "taken") {
      yield* Effect.logWarning(
        state === "lost" ? "the endpoint's socket was removed" : "another device plugin has taken the endpoint's place"
      )
      yield* stop
      // Not at once: the kubelet is to see the old streams' end before the new registration, not after it.
      yield* later(state === "taken" ? truce : firstDelay)
    }
    const now = yield* Clock.currentTimeMillis
    if (serving === undefined && folder.exists && now >= notBefore) yield* serve()
  })

  /** A registration without a stream is none: the kubelet has dropped us, or never dialled. */
  const checkRegistered = Effect.fnUntraced(function* (folder: KubeletFolder) {
    if (registered === undefined || serving === undefined) return
    if (registered.socket !== folder.socket) {
      registered = undefined
      return yield* put(true, "served, waiting for the kubelet")
    }
    const streams = yield* serving.served.streams
    const overdue = (yield* Clock.currentTimeMillis) >= registered.at + dialLimit
    if (streams > 0) {
      registered.dialled = true
      failures = 0
    } else if (registered.dialled || overdue) {
      yield* Effect.logWarning(
        registered.dialled ? "the kubelet has dropped the plugin" : "the kubelet does not call back"
      )
      registered = undefined
      yield* later()
      yield* put(true, "served, not known to the kubelet")
    }
  })

  const register = Effect.fnUntraced(function* (socket: string) {
    const exit = yield* Effect.exit(
      kubelet.register({ version: "v1beta1", endpoint, resourceName, options: pluginOptions })
    )
    const now = yield* Clock.currentTimeMillis
    if (Exit.isSuccess(exit)) {
      registered = { socket, at: now, dialled: false }
      yield* countRegistrations(resource, 1)
      yield* put(true, "registered with the kubelet")
      return yield* Effect.logInfo("registered with the kubelet")
    }
    yield* later()
    yield* countError("register")
    yield* put(true, "served, not known to the kubelet")
    yield* Effect.logWarning("the kubelet does not take the registration", exit.cause)
  })

  yield* woken(kubelet.changes)
  yield* countRegistrations(resource, 0)
  yield* countAllocations(resource, 0)
  while (true) {
    const folder = yield* kubelet.look
    if (folder.socket !== lastSocket) {
      // A new kubelet knows nothing of failures with the last one.
      lastSocket = folder.socket
      failures = 0
      notBefore = 0
    }
    yield* checkServing(folder)
    yield* checkRegistered(folder)
    const now = yield* Clock.currentTimeMillis
    if (serving !== undefined && registered === undefined && folder.socket !== undefined && now >= notBefore) {
      yield* register(folder.socket)
    }
    const times = [
      ...(notBefore > now ? [notBefore] : []),
      ...(registered !== undefined && !(registered as Registered).dialled
        ? [(registered as Registered).at + dialLimit]
        : [])
    ]
    const delay = times.length === 0 ? undefined : Math.max(Math.min(...times) - now, 1)
    yield* delay === undefined ? Queue.take(wake) : Effect.timeoutOption(Queue.take(wake), delay)
  }
}, Effect.scoped)
