/**
 * rtnetlink by its operations, named after `ip`. A connection is a socket in one namespace: it stays there whatever the
 * process does later, so every operation says by its connection where it happens.
 */
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Link, LinkOptions } from "../link/Link.ts"
import type { LinkKind } from "../link/LinkKind.ts"
import type { Netns } from "./NetnsService.ts"

/** The kernel said no. */
export class NetlinkError extends Data.TaggedError("NetlinkError")<{
  /** In words of `ip`: `ip link add net1 type macvtap`. */
  readonly operation: string
  /** The symbol, `EEXIST`; `EPROTO` where the reply made no sense, `ETIMEDOUT` where none came. */
  readonly errno: string
  /** The kernel's own words (NLMSGERR_ATTR_MSG), where it gave any. */
  readonly extack?: string
}> {}

/** No such link in the connection's namespace (ENODEV of RTM_GETLINK): for DEL a success. */
export class LinkNotFound extends Data.TaggedError("LinkNotFound")<{ readonly link: string | number }> {}

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
  /** ifindex in the connection's namespace. */
  readonly parent: number
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

/** `ip addr add <address>/<prefix> dev <index>`; textual forms are canonical (RFC 5952 for IPv6). */
export interface Address {
  readonly family: 4 | 6
  readonly address: string
  readonly prefix: number
  /** IPv6: duplicate address detection has not finished, or has found a duplicate. */
  readonly tentative?: boolean
  readonly dadFailed?: boolean
}

/** `ip route add <dst>/<prefix> via <gw> dev <index> …`. */
export interface Route {
  readonly family: 4 | 6
  /** Network address, or `0.0.0.0` / `::` with prefix 0 for the default route. */
  readonly dst: string
  readonly prefix: number
  readonly gw?: string
  /** ifindex of the outgoing link (RTA_OIF). Absent: none (unreachable …). */
  readonly dev?: number
  /** Bytes (RTAX_MTU). */
  readonly mtu?: number
  /** Bytes (RTAX_ADVMSS). */
  readonly advmss?: number
  readonly priority?: number
  /** 254, the main table, when left out. */
  readonly table?: number
  /** 0 universe, 253 link, 254 host. */
  readonly scope?: number
}

/** A route socket in one namespace. Names of operations are those of `ip`. */
export interface Rtnetlink {
  /** `ip link show <name or index>`; asks for the one link, never dumps. */
  readonly linkGet: (link: string | number) => Effect.Effect<Link, LinkNotFound | NetlinkError>
  /** `ip -d link show`; a dump, asked again when the kernel says that it was interrupted. */
  readonly linkList: Effect.Effect<ReadonlyArray<Link>, NetlinkError>
  /** `ip link add`. */
  readonly linkAdd: (spec: LinkSpec) => Effect.Effect<void, NetlinkError>
  /** `ip link set <index> …`. */
  readonly linkSet: (index: number, change: LinkChange) => Effect.Effect<void, LinkNotFound | NetlinkError>
  /** `ip link del <index>`. */
  readonly linkDel: (index: number) => Effect.Effect<void, LinkNotFound | NetlinkError>
  /** `ip addr add … dev <index>`; sets the broadcast address as `ip addr add … brd +` does for IPv4 prefixes below 31. */
  readonly addressAdd: (index: number, address: Address) => Effect.Effect<void, NetlinkError>
  /** `ip addr show dev <index>`. */
  readonly addressList: (index: number) => Effect.Effect<ReadonlyArray<Address>, NetlinkError>
  /** `ip route add …` (NLM_F_CREATE without NLM_F_EXCL, so that IPv6 routes of one destination become multipath). */
  readonly routeAdd: (route: Route) => Effect.Effect<void, NetlinkError>
  /** `ip route show table all`, unicast routes of both families, a multipath one as one for each next hop. */
  readonly routeList: (filter?: { readonly dev?: number }) => Effect.Effect<ReadonlyArray<Route>, NetlinkError>
  /** Whether the kernel knows the kind (CONFIG_MACVTAP …): asks for a link that cannot be, which leaves nothing behind. */
  readonly kindExists: (kind: LinkKind) => Effect.Effect<boolean, NetlinkError>
}

export class NetlinkService extends Context.Service<
  NetlinkService,
  {
    /** Opens a route socket in the namespace. */
    readonly connect: (netns: Netns) => Effect.Effect<Rtnetlink, NetlinkError, Scope.Scope>
  }
>()("macvtap-cni/services/NetlinkService") {}
