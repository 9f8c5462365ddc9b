/**
 * Tap nodes: the character device `/dev/tap<ifindex>` through which QEMU opens a macvtap. Its name is an ifindex, unique
 * only within a namespace, while devtmpfs is one for the host; its number (major:minor) is the link's own.
 */

import * as Context from "effect/Context"
import * as Data from "effect/Data"
import type * as Effect from "effect/Effect"
import type { Netns } from "../link/Netns.ts"

/** `major:minor` of a character device, as `/sys/class/net/<link>/tap<N>/dev` has it: `246:1`. */
export type DeviceNumber = string

/** A node as it lies in a folder; ids and mode are those of stat(2), mode without the file type. */
export interface TapNode {
  readonly path: string
  readonly device: DeviceNumber
  readonly owner: number
  readonly group: number
  readonly mode: number
}

/** A file operation on a node was refused; `errno` is the symbol: `EPERM`. */
export class TapError extends Data.TaggedError("TapError")<{
  readonly operation: string
  readonly path: string
  readonly errno: string
}> {}

export class TapService extends Context.Service<
  TapService,
  {
    /** The node `/dev/tap<ifindex>`, or undefined where there is none. */
    readonly node: (ifindex: number) => Effect.Effect<TapNode | undefined, TapError>
    /**
     * The device number of the link itself, whatever nodes there are: what `class/net/<name>/tap<index>/dev` says in a sysfs
     * mounted for the link's namespace (a detached mount: nothing appears in any mount namespace).
     */
    readonly deviceNumber: (
      netns: Netns,
      link: { readonly name: string; readonly index: number }
    ) => Effect.Effect<DeviceNumber, TapError>
    /**
     * The MAC address of the link behind the node, asked of the node itself (open, SIOCGIFHWADDR): the second way to know
     * whose it is, where no sysfs can be mounted. Opens a queue for a moment, so not for a tap in use.
     */
    readonly reportedMac: (node: TapNode) => Effect.Effect<string, TapError>
    /** `chown owner:group`, `chmod mode`. */
    readonly give: (
      node: TapNode,
      to: { readonly owner: number; readonly group: number; readonly mode: number }
    ) => Effect.Effect<void, TapError>
  }
>()("macvtap-cni/services/TapService") {}
