/** Serving the kubelet's calls for one resource, on a socket beside its own. */
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import type {
  AllocateRequest,
  AllocateResponse,
  DevicePluginOptions,
  ListAndWatchResponse,
  PreferredAllocationRequest,
  PreferredAllocationResponse,
  PreStartContainerRequest
} from "../api/v1beta1.ts"

/** A call is refused; the kubelet shows the words to the pod's user, as an event. */
export class CallRefused extends Data.TaggedError("CallRefused")<{
  /** A name of gRPC's status codes. */
  readonly code: "INVALID_ARGUMENT" | "FAILED_PRECONDITION" | "UNAVAILABLE" | "INTERNAL"
  readonly message: string
}> {}

/** The socket cannot be made. */
export class ServeError extends Data.TaggedError("ServeError")<{
  readonly path: string
  readonly problem: string
}> {}

/** What the kubelet is answered for one resource. */
export interface Answers {
  readonly options: DevicePluginOptions
  /** All devices at once, and again after every change. The end of it ends the call. */
  readonly devices: Stream.Stream<ListAndWatchResponse>
  readonly allocate: (request: AllocateRequest) => Effect.Effect<AllocateResponse, CallRefused>
  readonly prefer: (request: PreferredAllocationRequest) => Effect.Effect<PreferredAllocationResponse, CallRefused>
  readonly preStart: (request: PreStartContainerRequest) => Effect.Effect<void, CallRefused>
}

/** A served socket. */
export interface Served {
  /** Its file's name. */
  readonly name: string
  /** Whether the socket is still the one at its path: `"lost"` where nothing is there, `"taken"` where another one is. */
  readonly state: Effect.Effect<"ours" | "lost" | "taken">
  /** How many ListAndWatch streams are open: 0 once the kubelet has dropped us. */
  readonly streams: Effect.Effect<number>
  /** Emits when a stream has been opened or has ended. */
  readonly streamChanges: Stream.Stream<void>
}

export class EndpointServer extends Context.Service<
  EndpointServer,
  {
    /** Removes the sockets of a daemon that was killed: ours by their names, with nobody behind them. */
    readonly removeStale: (folder: string) => Effect.Effect<ReadonlyArray<string>>
    /**
     * Serves under the first of the names that nobody answers at, or else takes the first one, until the scope ends: then
     * streams are ended, calls finished (for a second), and the socket is removed.
     */
    readonly serve: (
      folder: string,
      names: readonly [string, ...ReadonlyArray<string>],
      answers: Answers
    ) => Effect.Effect<Served, ServeError, Scope.Scope>
  }
>()("macvtap-cni/device-plugin/EndpointServer") {}
