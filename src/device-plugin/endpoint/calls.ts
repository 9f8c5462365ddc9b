/** The kubelet's calls, from gRPC's callbacks to what is answered. */
import {
  type handleUnaryCall,
  type ServerUnaryCall,
  type ServerWritableStream,
  type sendUnaryData,
  status
} from "@grpc/grpc-js"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Stream from "effect/Stream"
import * as SubscriptionRef from "effect/SubscriptionRef"
import type { DevicePluginServer, Empty, ListAndWatchResponse } from "../api/v1beta1.ts"
import { describeFault } from "../describeFault.ts"
import { type Answers, CallRefused } from "./EndpointServer.ts"

/** Runs a call beside, until it ends or the server does. */
export type Run = <A, E>(effect: Effect.Effect<A, E>) => unknown

/** A kubelet has one. Whoever comes first keeps it, so that nobody can take the kubelet's from it. */
const mostStreams = 3

/** `streams` is told how many ListAndWatch streams are open. */
export const makeCalls = (
  run: Run,
  answers: Answers,
  streams: SubscriptionRef.SubscriptionRef<number>
): DevicePluginServer => ({
  getDevicePluginOptions: unary(run, () => Effect.succeed(answers.options)),
  allocate: unary(run, answers.allocate),
  getPreferredAllocation: unary(run, answers.prefer),
  preStartContainer: unary(run, (request) => Effect.as(answers.preStart(request), {})),
  listAndWatch: (call) => {
    const count = (by: number) => SubscriptionRef.update(streams, (open) => open + by)
    const listed = Effect.acquireUseRelease(
      count(1),
      () => list(call, answers),
      () => count(-1)
    )
    run(
      Effect.flatMap(SubscriptionRef.get(streams), (open) =>
        open < mostStreams ? listed : Effect.sync(() => refuseStream(call))
      )
    )
  }
})

const unary =
  <A, B>(run: Run, answer: (request: A) => Effect.Effect<B, CallRefused>): handleUnaryCall<A, B> =>
  (call: ServerUnaryCall<A, B>, respond: sendUnaryData<B>) => {
    run(
      Effect.onExit(answer(call.request), (exit) =>
        Effect.sync(() => (Exit.isSuccess(exit) ? respond(null, exit.value) : respond(refusal(exit.cause))))
      )
    )
  }

const refusal = (cause: Cause.Cause<CallRefused>): { readonly code: status; readonly details: string } => {
  const error = Cause.squash(cause)
  if (error instanceof CallRefused) return { code: status[error.code], details: error.message }
  if (Cause.hasInterruptsOnly(cause)) {
    return { code: status.UNAVAILABLE, details: "the device plugin is about to end" }
  }
  return { code: status.INTERNAL, details: `internal error: ${describeFault(error)}` }
}

type ListCall = ServerWritableStream<Empty, ListAndWatchResponse>

/**
 * Ends by itself when the kubelet is gone (`cancelled`), and ends the call when it is ended here. One that does not read
 * holds one list, and is told the latest one when it reads again.
 */
const list = (call: ListCall, answers: Answers): Effect.Effect<void> =>
  answers.devices.pipe(
    Stream.buffer({ capacity: 1, strategy: "sliding" }),
    Stream.runForEach((response) =>
      Effect.callback<void>((resume) => {
        call.write(response, () => resume(Effect.void))
      })
    ),
    Effect.raceFirst(
      Effect.callback<void>((resume) => {
        call.on("cancelled", () => resume(Effect.void))
        if (call.cancelled) resume(Effect.void)
      })
    ),
    Effect.ensuring(Effect.sync(() => call.end()))
  )

const refuseStream = (call: ListCall): void => {
  call.emit("error", {
    code: status.RESOURCE_EXHAUSTED,
    details: `there are ${mostStreams} ListAndWatch streams already`
  })
}
