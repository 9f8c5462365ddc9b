/** EndpointServer with @grpc/grpc-js. */
import { rmSync } from "node:fs"
import {
  type handleUnaryCall,
  Server,
  type ServerUnaryCall,
  type ServerWritableStream,
  type sendUnaryData,
  status
} from "@grpc/grpc-js"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FiberSet from "effect/FiberSet"
import * as Layer from "effect/Layer"
import * as PubSub from "effect/PubSub"
import * as Stream from "effect/Stream"
import { type DevicePluginServer, DevicePluginService, type Empty, type ListAndWatchResponse } from "../api/v1beta1.ts"
import { type Answers, CallRefused, EndpointServer, type Served } from "./EndpointServer.ts"
import { listen, removeStale, stateOf } from "./sockets.ts"

/** Milliseconds that calls have to finish. */
const patience = 1000
type Run = <A, E>(effect: Effect.Effect<A, E>) => unknown

const refusal = (cause: Cause.Cause<CallRefused>): { readonly code: status; readonly details: string } => {
  const error = Cause.squash(cause)
  return error instanceof CallRefused
    ? { code: status[error.code], details: error.message }
    : Cause.hasInterruptsOnly(cause)
      ? { code: status.UNAVAILABLE, details: "the device plugin is about to end" }
      : { code: status.INTERNAL, details: `internal error: ${error instanceof Error ? error.message : String(error)}` }
}

const unary =
  <A, B>(run: Run, answer: (request: A) => Effect.Effect<B, CallRefused>): handleUnaryCall<A, B> =>
  (call: ServerUnaryCall<A, B>, respond: sendUnaryData<B>) => {
    run(
      Effect.onExit(answer(call.request), (exit) =>
        Effect.sync(() => (Exit.isSuccess(exit) ? respond(null, exit.value) : respond(refusal(exit.cause))))
      )
    )
  }

/** Ends by itself when the kubelet is gone (`cancelled`), and ends the call when it is ended here. */
const watched = (call: ServerWritableStream<Empty, ListAndWatchResponse>, answers: Answers): Effect.Effect<void> =>
  Stream.runForEach(answers.devices, (response) => Effect.sync(() => void call.write(response))).pipe(
    Effect.raceFirst(
      Effect.callback<void>((resume) => {
        call.on("cancelled", () => resume(Effect.void))
        if (call.cancelled) resume(Effect.void)
      })
    ),
    Effect.ensuring(Effect.sync(() => call.end()))
  )

/** Calls in progress get their answers, up to a limit; streams have been ended before. */
const shutdown = (server: Server): Effect.Effect<void> =>
  Effect.callback<void>((resume) => server.tryShutdown(() => resume(Effect.void))).pipe(
    Effect.timeoutOption(patience),
    Effect.andThen(Effect.sync(() => server.forceShutdown()))
  )

const serve = Effect.fnUntraced(function* (path: string, answers: Answers) {
  const server = yield* Effect.acquireRelease(
    Effect.sync(() => new Server()),
    shutdown
  )
  const changes = yield* PubSub.sliding<void>(1)
  // Made after the server, hence ended before it: ListAndWatch goes on until then.
  const run: Run = yield* FiberSet.makeRuntime<never>()
  let streams = 0
  const count = (by: number) =>
    Effect.andThen(
      Effect.sync(() => {
        streams += by
      }),
      PubSub.publish(changes, undefined)
    )
  const calls: DevicePluginServer = {
    getDevicePluginOptions: unary(run, () => Effect.succeed(answers.options)),
    allocate: unary(run, answers.allocate),
    getPreferredAllocation: unary(run, answers.prefer),
    preStartContainer: unary(run, (request) => Effect.as(answers.preStart(request), {})),
    listAndWatch: (call) => {
      run(Effect.andThen(count(1), watched(call, answers)).pipe(Effect.ensuring(count(-1))))
    }
  }
  server.addService(DevicePluginService, calls)
  const identity = yield* Effect.acquireRelease(listen(server, path), (ours) =>
    Effect.sync(() => {
      if (stateOf(path, ours) === "ours") rmSync(path, { force: true })
    })
  )
  return {
    state: Effect.sync(() => stateOf(path, identity)),
    streams: Effect.sync(() => streams),
    streamChanges: Stream.fromPubSub(changes)
  } satisfies Served
})

export const endpointServerLive: Layer.Layer<EndpointServer> = Layer.succeed(EndpointServer, { serve, removeStale })
