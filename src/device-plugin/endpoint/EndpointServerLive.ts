/** EndpointServer with @grpc/grpc-js, behind a gate that bounds what the server has to hold. */
import { rmSync } from "node:fs"
import { Server, ServerCredentials } from "@grpc/grpc-js"
import * as Effect from "effect/Effect"
import * as FiberSet from "effect/FiberSet"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as SubscriptionRef from "effect/SubscriptionRef"
import { DevicePluginService } from "../api/v1beta1.ts"
import { type Gate, makeGate } from "../gate/Gate.ts"
import { makeCalls, type Run } from "./calls.ts"
import { type Answers, EndpointServer, type Served } from "./EndpointServer.ts"
import { freeName, listen, removeStale, stateOf } from "./sockets.ts"

/** 4096 devices that are available, and as many that must be among the chosen, each of up to 63 characters, take 0.53 MB. */
const longestMessage = 768 * 1024
const bounds = {
  "grpc.max_receive_message_length": longestMessage,
  "grpc.max_concurrent_streams": 32,
  // Its accounts of every connection that ever was.
  "grpc.enable_channelz": 0
}
/** Milliseconds that calls have to finish. */
const patience = 1000

export const endpointServerLive: Layer.Layer<EndpointServer> = Layer.sync(EndpointServer, () => ({
  serve,
  removeStale
}))

interface Service {
  readonly server: Server
  readonly gate: Gate
}

const serve = Effect.fn("endpoint.listen")(function* (
  folder: string,
  names: readonly [string, ...ReadonlyArray<string>],
  answers: Answers
) {
  const name = yield* freeName(folder, names)
  const path = `${folder}/${name}`
  const { server, gate } = yield* Effect.acquireRelease(Effect.sync(open), shutdown)
  const streams = yield* SubscriptionRef.make(0)
  // Made after the server, hence ended before it: ListAndWatch goes on until then.
  const run: Run = yield* FiberSet.makeRuntime<never>()
  server.addService(DevicePluginService, makeCalls(run, answers, streams))
  const identity = yield* Effect.acquireRelease(listen(gate.server, path), (ours) =>
    Effect.sync(() => {
      gate.server.close()
      if (stateOf(path, ours) === "ours") rmSync(path, { force: true })
    })
  )
  return {
    name,
    state: Effect.sync(() => stateOf(path, identity)),
    streams: SubscriptionRef.get(streams),
    streamChanges: Stream.map(SubscriptionRef.changes(streams), () => undefined)
  } satisfies Served
})

const open = (): Service => {
  const server = new Server(bounds)
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure())
  return { server, gate: makeGate((connection) => injector.injectConnection(connection)) }
}

/** Calls in progress get their answers, up to a limit; streams have been ended before. */
const shutdown = ({ server, gate }: Service): Effect.Effect<void> =>
  Effect.callback<void>((resume) => server.tryShutdown(() => resume(Effect.void))).pipe(
    Effect.timeoutOption(patience),
    Effect.andThen(
      Effect.sync(() => {
        server.forceShutdown()
        gate.clear()
      })
    )
  )
