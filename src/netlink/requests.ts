/** Requests by operation, named after `ip`: pure descriptions, sent by whoever has a socket. */
import type { Address } from "../link/Address.ts"
import type { LinkKind } from "../link/LinkKind.ts"
import type { LinkChange, LinkSpec } from "../link/LinkSpec.ts"
import type { Route } from "../link/Route.ts"
import { type Attribute, optional } from "../wire/attribute.ts"
import { cstring, u32 } from "../wire/bytes.ts"
import { encodeAddress, encodeAddressFilter, encodeAddressRemoval } from "./address.ts"
import {
  IFLA_ALT_IFNAME,
  IFLA_EXT_MASK,
  IFLA_IFNAME,
  IFLA_LINK,
  IFLA_MTU,
  IFLA_NET_NS_FD,
  IFLA_NEW_IFINDEX,
  IFNAMSIZ,
  NLM_F_ACK,
  NLM_F_CREATE,
  NLM_F_DUMP,
  NLM_F_EXCL,
  NLM_F_REQUEST,
  RTEXT_FILTER_SKIP_STATS,
  RTM_DELADDR,
  RTM_DELLINK,
  RTM_DELROUTE,
  RTM_GETADDR,
  RTM_GETLINK,
  RTM_GETNSID,
  RTM_GETROUTE,
  RTM_NEWADDR,
  RTM_NEWLINK,
  RTM_NEWROUTE
} from "./constants.ts"
import { encodeLink, kindAttribute, settingAttributes } from "./link.ts"
import type { Request } from "./message.ts"
import { encodeNetnsid } from "./netnsid.ts"
import { encodeRoute, encodeRouteFilter, encodeRouteRemoval } from "./route.ts"

/** Asks once, is answered once: the link itself, or an error. */
const GET = NLM_F_REQUEST
const DUMP = NLM_F_REQUEST | NLM_F_DUMP
const CHANGE = NLM_F_REQUEST | NLM_F_ACK
const ADD = CHANGE | NLM_F_CREATE | NLM_F_EXCL

const noStats: Attribute = { type: IFLA_EXT_MASK, payload: u32(RTEXT_FILTER_SKIP_STATS) }

/** `ip link show <name or index>`: no dump. ENODEV where there is none. */
export const linkGet = (link: string | number): Request => ({
  operation: `ip link show ${link}`,
  type: RTM_GETLINK,
  flags: GET,
  body: typeof link === "number" ? encodeLink(link, [noStats]) : encodeLink(0, [nameAttribute(link), noStats])
})

/** A name of up to fifteen bytes; longer ones are alternative names (`ip link property add … altname`). */
const nameAttribute = (name: string): Attribute => {
  const payload = cstring(name)
  return { type: payload.length <= IFNAMSIZ ? IFLA_IFNAME : IFLA_ALT_IFNAME, payload }
}

/** `ip -d link show` */
export const linkDump = (): Request => ({
  operation: "ip link show",
  type: RTM_GETLINK,
  flags: DUMP,
  body: encodeLink(0, [noStats])
})

/**
 * `ip link add link <parent> name <name> index <index> netns <fd> … type <kind> …`: born in place, as it shall be; but
 * for the alias, which kernels up to now (6.18) overlook here and take from a `linkSet` only.
 */
export const linkAdd = (spec: LinkSpec, fd: number | undefined = spec.netns?.fd): Request => ({
  operation: `ip link add ${spec.name} type ${spec.kind.kind}`,
  type: RTM_NEWLINK,
  flags: ADD,
  body: encodeLink(
    spec.index ?? 0,
    [
      ...settingAttributes(spec),
      ...optional(IFLA_LINK, spec.parent, u32),
      ...optional(IFLA_NET_NS_FD, fd, u32),
      kindAttribute(spec.kind, spec.options)
    ],
    spec
  )
})

/** `ip link set <index> …`; with a namespace a move, where `newIndex` is the ifindex there. */
export const linkSet = (index: number, change: LinkChange, fd: number | undefined = change.netns?.fd): Request => ({
  operation: `ip link set ${index}`,
  type: RTM_NEWLINK,
  flags: CHANGE,
  body: encodeLink(
    index,
    [
      ...settingAttributes(change),
      ...optional(IFLA_NET_NS_FD, fd, u32),
      ...optional(IFLA_NEW_IFINDEX, change.newIndex, u32),
      ...(change.kind && change.options ? [kindAttribute(change.kind, change.options)] : [])
    ],
    change
  )
})

/** `ip link del <index>` */
export const linkDel = (index: number): Request => ({
  operation: `ip link del ${index}`,
  type: RTM_DELLINK,
  flags: CHANGE,
  body: encodeLink(index, [])
})

/** `ip netns list-id target-nsid …` for one namespace: by which number the socket's namespace knows that of `fd`. */
export const netnsidGet = (fd: number): Request => ({
  operation: "ip netns list-id",
  type: RTM_GETNSID,
  flags: GET,
  body: encodeNetnsid(fd)
})

/** `ip addr add <address>/<prefix> brd + dev <index>` */
export const addressAdd = (index: number, address: Address): Request => ({
  operation: `ip addr add ${address.address}/${address.prefix} dev ${index}`,
  type: RTM_NEWADDR,
  flags: ADD,
  body: encodeAddress(index, address)
})

/** `ip addr del <address>/<prefix> dev <index>` */
export const addressDel = (index: number, address: Address): Request => ({
  operation: `ip addr del ${address.address}/${address.prefix} dev ${index}`,
  type: RTM_DELADDR,
  flags: CHANGE,
  body: encodeAddressRemoval(index, address)
})

/** `ip addr show dev <index>`; kernels before 4.20 answer with the addresses of every link. */
export const addressDump = (index: number): Request => ({
  operation: `ip addr show dev ${index}`,
  type: RTM_GETADDR,
  flags: DUMP,
  body: encodeAddressFilter(index)
})

/** `ip route add …`, without NLM_F_EXCL: IPv6 routes of one destination become one of several next hops. */
export const routeAdd = (route: Route): Request => ({
  operation: `ip route add ${route.dst}/${route.prefix}${route.gw === undefined ? "" : ` via ${route.gw}`}`,
  type: RTM_NEWROUTE,
  flags: CHANGE | NLM_F_CREATE,
  body: encodeRoute(route)
})

/** `ip route del …` */
export const routeDel = (route: Route): Request => ({
  operation: `ip route del ${route.dst}/${route.prefix}`,
  type: RTM_DELROUTE,
  flags: CHANGE,
  body: encodeRouteRemoval(route)
})

/** `ip route show table all type unicast`, with a protocol only that one's; kernels before 4.20 answer with all. */
export const routeDump = (protocol?: number): Request => ({
  operation: "ip route show table all",
  type: RTM_GETROUTE,
  flags: DUMP,
  body: encodeRouteFilter(protocol)
})

/**
 * Whether the kernel knows the kind: a link of it with an MTU of 2^32 - 1, which no kind takes. EOPNOTSUPP: unknown
 * kind; EINVAL: a known one, refused before anything was made, whether or not the kind needs a parent.
 */
export const kindProbe = (kind: LinkKind): Request => ({
  operation: `ip link add type ${kind.kind}`,
  type: RTM_NEWLINK,
  flags: ADD,
  body: encodeLink(0, [{ type: IFLA_MTU, payload: u32(0xffffffff) }, kindAttribute(kind)])
})
