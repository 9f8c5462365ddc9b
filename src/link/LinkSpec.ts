/** What can be asked of the kernel about a link: to make one, and to change one. */
import type { LinkOptions } from "./Link.ts"
import type { LinkKind } from "./LinkKind.ts"
import type { Netns } from "./Netns.ts"

/** What `ip link add` and `ip link set` can say of any link. What is left out is left to the kernel, or as it was. */
export interface LinkSettings {
  readonly name?: string
  readonly mac?: string
  /** Bytes. */
  readonly mtu?: number
  /** Empty removes it. */
  readonly alias?: string
  readonly up?: boolean
  readonly allmulti?: boolean
  readonly promisc?: boolean
  /** The kind's own attributes by the names of its table. */
  readonly options?: LinkOptions
}

/** `ip link add link <parent> name <name> index <index> netns <netns> type <kind> …`, one request. */
export interface LinkSpec extends LinkSettings {
  readonly kind: LinkKind
  readonly name: string
  /** ifindex in the connection's namespace; absent for kinds that stand by themselves. */
  readonly parent?: number
  /** The new link's ifindex in its namespace; the kernel's choice when left out. */
  readonly index?: number
  /** The namespace that the link is born in; the connection's own when left out. */
  readonly netns?: Netns
}

/** `ip link set <index> …`, one request; with `netns` a move. */
export interface LinkChange extends LinkSettings {
  /** Needed when `options` is given: their table. */
  readonly kind?: LinkKind
  readonly netns?: Netns
  /** IFLA_NEW_IFINDEX: the ifindex there; only with `netns`. */
  readonly newIndex?: number
}
