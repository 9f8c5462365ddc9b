/** The kubelet, as a device plugin knows it: a folder of sockets, one of which is its own. */
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import type * as Effect from "effect/Effect"
import type * as Stream from "effect/Stream"
import type { RegisterRequest } from "../api/v1beta1.ts"

/** The kubelet did not take the registration, or did not answer. */
export class RegistrationError extends Data.TaggedError("RegistrationError")<{
  readonly resource: string
  /** In gRPC's words: `UNAVAILABLE: No connection established …`. */
  readonly problem: string
}> {}

/** What the folder holds at a moment. */
export interface KubeletFolder {
  /** false: the kubelet has not been on this node yet, or somebody removed its folder. */
  readonly exists: boolean
  /** Changes with every new kubelet.sock, hence with every start of the kubelet; undefined where there is none. */
  readonly socket: string | undefined
}

export class Kubelet extends Context.Service<
  Kubelet,
  {
    /** `/var/lib/kubelet/device-plugins`. */
    readonly folder: string
    readonly look: Effect.Effect<KubeletFolder>
    /** Emits at first and whenever something in the folder may have changed. */
    readonly changes: Stream.Stream<void>
    readonly register: (request: RegisterRequest) => Effect.Effect<void, RegistrationError>
    /**
     * IDs of our devices that the kubelet has allotted, by its own checkpoint; undefined where there is none, or none that
     * we can read. A device may be listed some time longer than it is used.
     */
    readonly allotted: Effect.Effect<ReadonlySet<string> | undefined>
  }
>()("macvtap-cni/device-plugin/Kubelet") {}
