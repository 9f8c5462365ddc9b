/**
 * rtnetlink by its operations, named after `ip`. A connection is a socket in one namespace: it stays there whatever the
 * process does later, so every operation says by its connection where it happens.
 */

import * as Context from "effect/Context"
import * as Data from "effect/Data"
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Address } from "../link/Address.ts"
import type { Link } from "../link/Link.ts"
import type { LinkKind } from "../link/LinkKind.ts"
import type { LinkChange, LinkSpec } from "../link/LinkSpec.ts"
import type { Netns } from "../link/Netns.ts"
import type { Route } from "../link/Route.ts"

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

/** Which routes; those that say nothing of it are left out too. */
export interface RouteFilter {
  readonly dev?: number
  /** Asked of the kernel, so that the others cost nothing but its look at them. */
  readonly protocol?: number
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
  /** `ip addr del <address>/<prefix> dev <index>`. EADDRNOTAVAIL: it is not there. */
  readonly addressDel: (index: number, address: Address) => Effect.Effect<void, NetlinkError>
  /** `ip addr show dev <index>`. */
  readonly addressList: (index: number) => Effect.Effect<ReadonlyArray<Address>, NetlinkError>
  /** `ip route add …` (NLM_F_CREATE without NLM_F_EXCL, so that IPv6 routes of one destination become multipath). */
  readonly routeAdd: (route: Route) => Effect.Effect<void, NetlinkError>
  /** `ip route del …`: the first that is like it in what the route says. ESRCH: there is none. */
  readonly routeDel: (route: Route) => Effect.Effect<void, NetlinkError>
  /** `ip route show table all`, unicast routes of both families, a multipath one as one for each next hop. */
  readonly routeList: (filter?: RouteFilter) => Effect.Effect<ReadonlyArray<Route>, NetlinkError>
  /**
   * By which number the connection's namespace knows another (`parent.netnsid`); undefined where it has none: then no
   * link that was listed here is on one there.
   */
  readonly netnsid: (netns: Netns) => Effect.Effect<number | undefined, NetlinkError>
  /** Whether the kernel knows the kind (CONFIG_MACVTAP …): asks for a link that cannot be, which leaves nothing behind. */
  readonly kindExists: (kind: LinkKind) => Effect.Effect<boolean, NetlinkError>
}

export class NetlinkService extends Context.Service<
  NetlinkService,
  {
    /** Opens a route socket in the namespace. */
    readonly connect: (netns: Netns) => Effect.Effect<Rtnetlink, NetlinkError, Scope.Scope>
    /**
     * Subscribes to `ip monitor link` in the namespace: each run of the effect within waits until at least one more thing
     * has happened there to any link since the last one (a link on it that goes, in whichever namespace, happens to a
     * parent too). The namespace is held as long as the scope, so never wait for one to end in itself.
     */
    readonly changes: (netns: Netns) => Effect.Effect<Effect.Effect<void, NetlinkError>, NetlinkError, Scope.Scope>
  }
>()("macvtap-cni/services/NetlinkService") {}
