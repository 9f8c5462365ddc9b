/**
 * Devices that the device plugin reserved: nothing of one exists until ADD makes it, but everything follows from its ID.
 *
 * How ADD uses it, given a `deviceID`:
 * 1. `lookup` it. undefined: it is not our device plugin's, so an existing link is imported. An error is ADD's error.
 * 2. `pods` to which the kubelet gave it: this pod has to be among them.
 * 3. `holder` of it. One on the device's own lower device is a former pod's link: ADD waits for its end.
 * 4. Not `standalone`: the link is made in place, with exactly ifindex `index`, on `lowerDevice` (undefined: the node has
 *    none of the configured ones, an error that says so), in `mode`. `standalone`: the host's link (`mvt…`) is imported,
 *    and keeps `index`.
 * 5. `makeNode` with the link's device number. The kubelet has opened `node`, and not `/dev/tap<index>`, to the container.
 * 6. `claims` on that number: there must be no other's, or the link needs another number.
 *
 * Whatever the link, `claim` writes down whose it is and where: a device's node does not say to which of a pod's attachments
 * it belongs, nor which of the links of that ifindex, which anybody can make, is the device's.
 *
 * DEL takes `unclaim` and `removeNode`, also when the namespace is gone: then the number is free for others.
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

/** That somebody may open the taps of a number, for as long as it is there, whatever has become of the link. */
export interface Claim {
  readonly number: DeviceNumber
  /** The device whose node has the number. */
  readonly deviceID?: string
  /** The attachment that was given the tap of that number, by the alias of its link, and where that link was. */
  readonly attachment?: { readonly alias: string; readonly netnsID: string; readonly netnsPath: string }
  /** Whether a link has the number at this moment, so that the kernel gives it to no other. What cannot be told has one. */
  readonly isLinked: () => boolean
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
    /**
     * UIDs of the pods to which the kubelet gave the device, by its checkpoint: one, or none; "unknown" where there is no
     * kubelet, or the device plugin was told not to ask it. A checkpoint that says nothing sensible is an error.
     */
    readonly pods: (deviceID: string) => Effect.Effect<ReadonlyArray<string> | "unknown", ReservationError>
    /** The link that has the device's ifindex and is behind our node now. */
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
    /** Everybody's claims, or those on one number; or only those of devices. */
    readonly claims: (number?: DeviceNumber, of?: "devices") => Effect.Effect<ReadonlyArray<Claim>, ReservationError>
    /**
     * Writes down that the attachment may open the number. One claim holds one number: another's stays, and is answered,
     * unless it is `over`, one that is known to be over.
     */
    readonly claim: (
      number: DeviceNumber,
      attachment: NonNullable<Claim["attachment"]>,
      over?: Claim
    ) => Effect.Effect<Claim | undefined, ReservationError>
    /** Forgets claims of attachments by their alias; `number` says where to look first, and only there if it is there. */
    readonly unclaim: (
      isOver: (alias: string) => boolean,
      number?: DeviceNumber
    ) => Effect.Effect<void, ReservationError>
  }
>()("macvtap-cni/services/ReservationService") {}
