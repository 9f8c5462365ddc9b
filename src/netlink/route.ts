/** The body of RTM_NEWROUTE: `struct rtmsg` and attributes RTA_*. */
import type { Route } from "../link/Route.ts"
import { align } from "../wire/align.ts"
import { type Attribute, encodeAttributes, nest, optional, type Payloads, payloadsIn } from "../wire/attribute.ts"
import { concat, empty, readS32, readU8, readU16, readU32, u16, u32 } from "../wire/bytes.ts"
import { decodeIp, encodeIp } from "../wire/ip.ts"
import {
  AF_INET,
  AF_INET6,
  AF_UNSPEC,
  RT_SCOPE_LINK,
  RT_SCOPE_NOWHERE,
  RT_SCOPE_UNIVERSE,
  RT_TABLE_MAIN,
  RT_TABLE_UNSPEC,
  RTA_DST,
  RTA_GATEWAY,
  RTA_METRICS,
  RTA_MULTIPATH,
  RTA_OIF,
  RTA_PRIORITY,
  RTA_TABLE,
  RTA_VIA,
  RTAX_ADVMSS,
  RTAX_MTU,
  RTM_F_CLONED,
  RTN_UNICAST,
  RTN_UNSPEC,
  RTPROT_BOOT,
  RTPROT_UNSPEC
} from "./constants.ts"

/** `sizeof(struct rtmsg)` */
const RTMSG = 12
/** `sizeof(struct rtnexthop)`: `{ unsigned short rtnh_len; unsigned char rtnh_flags, rtnh_hops; int rtnh_ifindex; }` */
const RTNEXTHOP = 8

/**
 * `struct rtmsg { unsigned char rtm_family, rtm_dst_len, rtm_src_len, rtm_tos, rtm_table, rtm_protocol, rtm_scope,
 * rtm_type; unsigned rtm_flags; };`
 */
const header = (
  family: number,
  prefix: number,
  table: number,
  protocol: number,
  scope: number,
  type: number = RTN_UNICAST
): Uint8Array => concat([Uint8Array.of(family, prefix, 0, 0, table, protocol, scope, type), u32(0)])

const familyNumber = (family: 4 | 6): number => (family === 4 ? AF_INET : AF_INET6)

/** The gateway: RTA_GATEWAY, or RTA_VIA (`struct rtvia { u16 family; u8 addr[]; }`) where it is of the other family. */
const gatewayAttribute = (family: 4 | 6, gateway: string): Attribute => {
  const payload = encodeIp(gateway) ?? empty
  const own = payload.length === 16 ? 6 : 4
  return own === family
    ? { type: RTA_GATEWAY, payload }
    : { type: RTA_VIA, payload: concat([u16(familyNumber(own)), payload]) }
}

/**
 * `ip route add …`. Where no scope is given it is `ip`'s: link for an IPv4 route without a gateway, universe otherwise.
 * The destination is sent as it is; the kernel refuses host bits in it (IPv4) or drops them (IPv6).
 */
export const encodeRoute = (route: Route): Uint8Array => {
  const { family, gw, protocol = RTPROT_BOOT } = route
  const scope = route.scope ?? (family === 4 && gw === undefined ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE)
  return encodeAs(route, protocol, scope, RTN_UNICAST)
}

/** `ip route del …`: the first that is like it in what is said, from whomever and of whatever scope where nothing is. */
export const encodeRouteRemoval = (route: Route): Uint8Array =>
  encodeAs(
    route,
    route.protocol ?? RTPROT_UNSPEC,
    route.scope ?? (route.family === 4 ? RT_SCOPE_NOWHERE : RT_SCOPE_UNIVERSE),
    RTN_UNSPEC
  )

const encodeAs = (route: Route, protocol: number, scope: number, type: number): Uint8Array => {
  const { advmss, dev, dst, family, gw, mtu, prefix, priority, table = RT_TABLE_MAIN } = route
  const metrics = [...optional(RTAX_MTU, mtu, u32), ...optional(RTAX_ADVMSS, advmss, u32)]
  return concat([
    header(familyNumber(family), prefix, table < 256 ? table : RT_TABLE_UNSPEC, protocol, scope, type),
    encodeAttributes([
      ...(prefix === 0 ? [] : [{ type: RTA_DST, payload: encodeIp(dst) ?? empty }]),
      ...(gw === undefined ? [] : [gatewayAttribute(family, gw)]),
      ...optional(RTA_OIF, dev, u32),
      ...optional(RTA_PRIORITY, priority, u32),
      ...(table < 256 ? [] : [{ type: RTA_TABLE, payload: u32(table) }]),
      ...(metrics.length === 0 ? [] : [nest(RTA_METRICS, metrics)])
    ])
  ])
}

/** Asks for the unicast routes of every table and family: strict checking makes rtm_type and rtm_protocol filters. */
export const encodeRouteFilter = (protocol: number = RTPROT_UNSPEC): Uint8Array => header(AF_UNSPEC, 0, 0, protocol, 0)

/** Where packets go next: a link and, unless the destination is on it, a gateway. */
type Hop = Pick<Route, "dev" | "gw">

const readHop = (attributes: Payloads, dev: number | undefined): Hop => {
  const gw = decodeIp(attributes.get(RTA_GATEWAY) ?? attributes.get(RTA_VIA)?.subarray(2) ?? empty)
  return { ...(dev ? { dev } : {}), ...(gw === undefined ? {} : { gw }) }
}

/** The next hops in RTA_MULTIPATH, as far as they make sense: a header and attributes each, one behind the other. */
export const readHops = (multipath: Uint8Array): ReadonlyArray<Hop> => {
  const hops: Array<Hop> = []
  for (let offset = 0; offset + RTNEXTHOP <= multipath.length; ) {
    const length = readU16(multipath, offset) ?? 0
    if (length < RTNEXTHOP || offset + length > multipath.length) break
    const attributes = payloadsIn(multipath.subarray(offset + RTNEXTHOP, offset + length))
    hops.push(readHop(attributes, readS32(multipath, offset + 4)))
    offset += align(length)
  }
  return hops
}

/**
 * The unicast routes that an RTM_NEWROUTE describes: one for each next hop, since IPv6 makes one multipath route of what
 * was added as several. None for a body that is no route, and for what is no route to send packets along: local,
 * broadcast, unreachable ones, cached clones, other families.
 */
export const decodeRoutes = (body: Uint8Array): ReadonlyArray<Route> => {
  if (body.length < RTMSG || readU8(body, 7) !== RTN_UNICAST) return []
  if ((readU32(body, 8) ?? 0) & RTM_F_CLONED) return []
  const family = ({ [AF_INET]: 4, [AF_INET6]: 6 } as const)[body[0] ?? 0]
  if (family === undefined) return []

  const attributes = payloadsIn(body.subarray(RTMSG))
  const dst = attributes.get(RTA_DST) ?? new Uint8Array(family === 4 ? 4 : 16)
  if (dst.length !== (family === 4 ? 4 : 16)) return []
  const several = readHops(attributes.get(RTA_MULTIPATH) ?? empty)
  const hops = several.length > 0 ? several : [readHop(attributes, readU32(attributes.get(RTA_OIF) ?? empty))]
  const metrics = payloadsIn(attributes.get(RTA_METRICS) ?? empty)
  const mtu = readU32(metrics.get(RTAX_MTU) ?? empty)
  const advmss = readU32(metrics.get(RTAX_ADVMSS) ?? empty)
  const priority = readU32(attributes.get(RTA_PRIORITY) ?? empty)
  const route = {
    family,
    dst: decodeIp(dst) ?? "",
    prefix: readU8(body, 1) ?? 0,
    table: readU32(attributes.get(RTA_TABLE) ?? empty) ?? readU8(body, 4) ?? 0,
    scope: readU8(body, 6) ?? 0,
    protocol: readU8(body, 5) ?? 0,
    ...(mtu === undefined ? {} : { mtu }),
    ...(advmss === undefined ? {} : { advmss }),
    ...(priority === undefined ? {} : { priority })
  } satisfies Route
  return hops.map((hop) => ({ ...route, ...hop }))
}
