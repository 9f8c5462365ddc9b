/**
 * Devices that the device plugin reserved: nothing of one exists until ADD makes it, but everything follows from its ID.
 *
 * How ADD uses it, given a `deviceID`:
 * 1. `lookup` it. undefined: it is not our device plugin's, so an existing link is imported. An error is ADD's error.
 * 2. `holder` of it. One is there: a former pod's link still has the ifindex; ADD answers 11 (try again later).
 * 3. Not `standalone`: the link is made in place, with exactly ifindex `index`, on `lowerDevice` (undefined: the node has
 *    none of the configured ones, an error that says so), in `mode`. EEXIST for a name that is free means that the index
 *    is taken in the container: 11 as well. `standalone`: the host's link (`mvt…`) is imported, and keeps `index`.
 * 4. `makeNode` with the link's device number. The kubelet has opened `node`, and not `/dev/tap<index>`, to the container.
 *
 * DEL deletes the link first, then calls `removeNode`, also when the namespace is gone.
 */
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import type * as Effect from "effect/Effect"
import type { DeviceNumber } from "./TapService.ts"

export interface Reservation {
  readonly deviceID: string
  /** `dataplane`, without `macvtap.network.kubevirt.io/`. */
  readonly resource: string
  /** The host's link; absent while the node has none of those that are configured. */
  readonly lowerDevice?: string
  /** An option value of kind macvtap: `bridge`. */
  readonly mode: string
  readonly standalone: boolean
  /** The link's ifindex in its namespace; the container knows its tap as `/dev/tap<index>`. */
  readonly index: number
  /** The node of our own, on the host: `/var/lib/macvtap-cni/dev/dataplaneMvp3`. */
  readonly node: string
}

/** A link that has the device's ifindex, in whichever namespace. */
export interface Holder {
  /** The node that leads to it: our own, or the host's `/dev/tap<index>`. */
  readonly path: string
  readonly device: DeviceNumber
  /** Its name there. */
  readonly link: string
}

export interface NodeOwner {
  readonly owner: number
  readonly group: number
  readonly mode: number
}

/** The state folder cannot be read or written. `problem` says what is wrong, `advice` what to do. */
export class ReservationError extends Data.TaggedError("ReservationError")<{
  readonly operation: string
  readonly path: string
  readonly problem: string
  readonly advice: string
}> {}

export class ReservationService extends Context.Service<
  ReservationService,
  {
    /** What the device plugin wrote down of the device; undefined where it offers no such device. */
    readonly lookup: (deviceID: string) => Effect.Effect<Reservation | undefined, ReservationError>
    /** The link that has the device's ifindex now: the one behind our node, or behind the host's `/dev/tap<index>`. */
    readonly holder: (
      device: Pick<Reservation, "index" | "node">
    ) => Effect.Effect<Holder | undefined, ReservationError>
    /** `mknod <node> c <number>`, owned and with exactly that mode; takes the place of an older node in one step. */
    readonly makeNode: (
      device: Pick<Reservation, "node">,
      number: DeviceNumber,
      to: NodeOwner
    ) => Effect.Effect<void, ReservationError>
    /** `rm <node>`, unless a link with the device's ifindex is behind it: then it is the next pod's. True: it is gone. */
    readonly removeNode: (deviceID: string) => Effect.Effect<boolean, ReservationError>
  }
>()("macvtap-cni/services/ReservationService") {}
