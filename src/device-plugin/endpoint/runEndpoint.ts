/** An endpoint at work: what it hears comes from the kubelet's folder, its streams and the clock; what it asks for is done. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FiberHandle from "effect/FiberHandle"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Ref from "effect/Ref"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { endpointNames } from "../../devices/endpointName.ts"
import { Status } from "../../observe/Status.ts"
import { resourceDomain } from "../config/Config.ts"
import { Kubelet } from "../kubelet/Kubelet.ts"
import { countAllocations, countError, countRegistrations, setRegistered } from "../observe/metrics.ts"
import { endpointOptions } from "./answers.ts"
import { alarm, initial, isKnown } from "./Endpoint.ts"
import { type Answers, EndpointServer, type Served } from "./EndpointServer.ts"
import type { Action, Event } from "./events.ts"
import { step } from "./step.ts"

interface Serving {
  readonly served: Served
  readonly scope: Scope.Closeable
}

/** Never ends; its scope's end takes everything back. */
export const runEndpoint = Effect.fn("endpoint")(function* (resource: string, answers: Answers) {
  const kubelet = yield* Kubelet
  const server = yield* EndpointServer
  const status = yield* Status
  const names = endpointNames(kubelet.folder, resource)
  const resourceName = `${resourceDomain}/${resource}`
  const part = `resource ${resource}`
  const state = yield* Ref.make(initial)
  const serving = yield* Ref.make<Serving | undefined>(undefined)
  const registering = yield* FiberHandle.make()
  /** Looks and answers, each of which becomes an event when its turn comes; who has more to tell waits. */
  const heard = yield* Queue.bounded<Effect.Effect<Event>>(4)

  const look = Effect.gen(function* () {
    const folder = yield* kubelet.look
    const current = yield* Ref.get(serving)
    const socket = current === undefined ? "none" : yield* current.served.state
    return { _tag: "Looked", folder, socket } as const
  })
  const streams = Effect.gen(function* () {
    const current = yield* Ref.get(serving)
    return { _tag: "Streams", open: current === undefined ? 0 : yield* current.served.streams } as const
  })

  const serve = Effect.fn("endpoint.serve")(function* () {
    const scope = yield* Scope.make()
    const exit = yield* server.serve(kubelet.folder, names, answers).pipe(
      Effect.tap(({ streamChanges }) =>
        Effect.forkScoped(Stream.runForEach(streamChanges, () => Queue.offer(heard, streams)))
      ),
      Scope.provide(scope),
      Effect.result,
      Effect.onError((cause) => Scope.close(scope, Exit.failCause(cause)))
    )
    if (exit._tag === "Success") {
      yield* Ref.set(serving, { served: exit.success, scope })
      return { _tag: "Served" } as const
    }
    yield* Scope.close(scope, Exit.void)
    return { _tag: "NotServed", problem: exit.failure.problem } as const
  }, Effect.uninterruptible)
  const endServing = Effect.gen(function* () {
    const current = yield* Ref.getAndSet(serving, undefined)
    if (current !== undefined) yield* Scope.close(current.scope, Exit.void)
  })
  const register = Effect.fn("endpoint.register")(function* (number: number) {
    const endpoint = (yield* Ref.get(serving))?.served.name ?? names[0]
    const request = { version: "v1beta1", endpoint, resourceName, options: endpointOptions }
    const event = yield* Effect.match(kubelet.register(request), {
      onSuccess: (): Event => ({ _tag: "Registered", number }),
      onFailure: ({ problem }): Event => ({ _tag: "NotRegistered", number, problem })
    })
    yield* Queue.offer(heard, Effect.succeed(event))
  })

  /** Does what the endpoint asks for; what comes of it at once is answered. */
  const perform = Effect.fnUntraced(function* (action: Action) {
    switch (action._tag) {
      case "Serve":
        return yield* serve()
      case "EndServing":
        yield* endServing
        return undefined
      case "Register":
        yield* FiberHandle.run(registering, register(action.number))
        return undefined
      case "Abandon":
        yield* FiberHandle.clear(registering)
        return undefined
      case "Show":
        yield* status.set(part, { well: action.well, words: action.words })
        return undefined
      case "Say":
        yield* say[action.level](action.words)
        return undefined
      case "Count":
        yield* action.what === "registration" ? countRegistrations(resource, 1) : countError(action.what)
        return undefined
    }
  })
  const handle = (event: Event): Effect.Effect<void> =>
    Effect.gen(function* () {
      const now = yield* Clock.currentTimeMillis
      const actions = yield* Ref.modify(state, (before) => {
        const { state: after, actions } = step(before, event, now)
        return [actions, after]
      })
      yield* setRegistered(resource, isKnown(yield* Ref.get(state)))
      for (const action of actions) {
        const next = yield* perform(action)
        if (next !== undefined) yield* handle(next)
      }
    })
  const next = Effect.gen(function* () {
    const due = alarm(yield* Ref.get(state))
    if (due === undefined) return yield* Effect.flatten(Queue.take(heard))
    const delay = Math.max(due - (yield* Clock.currentTimeMillis), 1)
    const event = yield* Effect.timeoutOption(Queue.take(heard), delay)
    return yield* Option.getOrElse(event, () => Effect.succeed<Event>({ _tag: "Tick" }))
  })

  yield* Effect.addFinalizer(() => Effect.andThen(endServing, status.remove(part)))
  yield* Effect.addFinalizer(() => setRegistered(resource, false))
  yield* Effect.forkScoped(Stream.runForEach(kubelet.changes, () => Queue.offer(heard, look)))
  yield* countRegistrations(resource, 0)
  yield* countAllocations(resource, 0)
  return yield* Effect.forever(Effect.flatMap(next, handle))
}, Effect.scoped)

const say = { info: Effect.logInfo, warning: Effect.logWarning, error: Effect.logError }
