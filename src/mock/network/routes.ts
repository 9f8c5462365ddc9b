/** `ip route`: what net/ipv4/fib_semantics.c and net/ipv6/route.c let in, and how they list it. */
import type { Route } from "../../link/Route.ts"
import type { RouteFilter } from "../../services/NetlinkService.ts"
import { refuse } from "../kernel/Refusal.ts"
import type { LinkState, NetnsState, RouteState } from "../kernel/state.ts"
import { canonical, contains, isLinkLocal, isMulticast6, networkOf } from "./subnet.ts"
import { hasIpv6, ipv6Enabled } from "./sysctls.ts"

const mainTable = 254
const scopeLink = 253
const scopeHost = 254

/** The most specific route to the address in the table, of those that are allowed. */
const lookUp = (netns: NetnsState, table: number, address: string, allowed: (route: RouteState) => boolean) =>
  netns.routes
    .filter((route) => route.table === table && allowed(route) && contains(route.dst, route.prefix, address))
    .sort((a, b) => b.prefix - a.prefix)[0]

/** The link through which an IPv4 gateway is a neighbour: the route to it has scope link, or it is our own address. */
const egressIpv4 = (
  netns: NetnsState,
  gw: string,
  table: number,
  scope: number,
  dev: LinkState | undefined
): LinkState => {
  const lowestScope = Math.max(scopeLink, scope + 1)
  const allowed = (route: RouteState) => route.scope >= lowestScope && (dev === undefined || route.dev === dev)
  const owner = [...netns.links.values()].find(
    (link) => (dev === undefined || link === dev) && link.addresses.some(({ address }) => address === gw)
  )
  const found =
    lookUp(netns, table, gw, allowed)?.dev ??
    owner ??
    lookUp(netns, mainTable, gw, allowed)?.dev ??
    refuse("ENETUNREACH", "Nexthop has invalid gateway")
  if (!found.up) refuse("ENETDOWN")
  return found
}

/** `ip`'s choice where none is given: link for an IPv4 route without a gateway. IPv6 knows no scopes. */
const scopeOf = ({ family, scope, gw }: Route): number =>
  family === 6 ? 0 : (scope ?? (gw === undefined ? scopeLink : 0))

/** What IPv4 wants to be right before it looks at anything else; IPv6 drops the host's bits. */
const checkDestination = ({ dst, prefix }: Route): void => {
  if (prefix > 32) refuse("EINVAL", "Invalid prefix length")
  if (networkOf(dst, prefix) !== canonical(dst)) refuse("EINVAL", "Invalid prefix for given prefix length")
}

const checkIpv4 = (netns: NetnsState, route: Route, dev: LinkState | undefined): LinkState => {
  const scope = scopeOf(route)
  if (scope > scopeHost) refuse("EINVAL", "Invalid scope")
  if (route.gw !== undefined) {
    if (scope === scopeHost) refuse("EINVAL", "Route with host scope can not have a gateway")
    return egressIpv4(netns, canonical(route.gw), route.table ?? mainTable, scope, dev)
  }
  if (dev === undefined) return refuse("ENODEV")
  if (!dev.up) refuse("ENETDOWN", "Device for nexthop is not up")
  return dev
}

const egressIpv6 = (netns: NetnsState, gw: string, table: number, dev: LinkState | undefined): LinkState => {
  if (dev?.addresses.some(({ address }) => address === gw)) refuse("EINVAL", "Gateway can not be a local address")
  if (isMulticast6(gw) || gw === "::") refuse("EINVAL", "Invalid gateway address")
  if (isLinkLocal(gw)) {
    if (dev?.loopback) refuse("EINVAL", "Egress device can not be loopback device for this route")
    return dev ?? refuse("EINVAL", "Egress device not specified")
  }
  const found = lookUp(netns, table, gw, (route) => route.gw === undefined) ?? lookUp(netns, mainTable, gw, () => true)
  if (found === undefined || found.gw !== undefined || (dev !== undefined && dev !== found.dev))
    return refuse("EHOSTUNREACH")
  return found.dev
}

const checkIpv6 = (netns: NetnsState, route: Route, asked: LinkState | undefined): LinkState => {
  if (asked !== undefined && !hasIpv6(asked)) refuse("ENODEV")
  const dev = route.gw === undefined ? asked : egressIpv6(netns, canonical(route.gw), route.table ?? mainTable, asked)
  if (dev === undefined) return refuse("ENODEV")
  if (!ipv6Enabled(dev)) refuse("EACCES", "IPv6 is disabled on nexthop device")
  if (!dev.up) refuse("ENETDOWN", "Nexthop device is not up")
  return dev
}

/** IPv4 asks for the gateway first, which no other link leads to. */
const noLink = ({ family, gw }: Route): never =>
  family === 4 && gw !== undefined ? refuse("ENETUNREACH", "Nexthop has invalid gateway") : refuse("ENODEV")

const sameNexthop = (a: RouteState, b: RouteState): boolean => a.dev === b.dev && a.gw === b.gw

const sameKey = (a: RouteState, b: RouteState): boolean =>
  a.family === b.family && a.table === b.table && a.dst === b.dst && a.prefix === b.prefix && a.priority === b.priority

/** IPv4 tells routes apart by all that they say, IPv6 by their next hop alone. */
const isDuplicate = (a: RouteState, b: RouteState): boolean =>
  sameKey(a, b) &&
  sameNexthop(a, b) &&
  (a.family === 6 || (a.scope === b.scope && a.mtu === b.mtu && a.advmss === b.advmss && a.protocol === b.protocol))

/** `ip route add`, without NLM_F_EXCL: another route to the same destination is no obstacle, the same one is. */
export const addRoute = (netns: NetnsState, route: Route): void => {
  if (route.family === 4) checkDestination(route)
  if (route.prefix > 128) refuse("EINVAL")
  const asked = route.dev === undefined ? undefined : (netns.links.get(route.dev) ?? noLink(route))
  const dev = route.family === 4 ? checkIpv4(netns, route, asked) : checkIpv6(netns, route, asked)
  const added: RouteState = {
    family: route.family,
    dst: networkOf(route.dst, route.prefix),
    prefix: route.prefix,
    dev,
    priority: route.priority || (route.family === 4 ? 0 : 1024),
    table: route.table || mainTable,
    scope: scopeOf(route),
    connected: false,
    protocol: route.protocol ?? 3,
    ...(route.gw === undefined ? {} : { gw: canonical(route.gw) }),
    ...(route.mtu ? { mtu: Math.min(route.mtu, 65520) } : {}),
    ...(route.advmss ? { advmss: Math.min(route.advmss, 65495) } : {})
  }
  if (netns.routes.some((other) => isDuplicate(added, other))) refuse("EEXIST")
  // Of IPv4 routes to one destination the newest is the first.
  if (route.family === 4) netns.routes.unshift(added)
  else netns.routes.push(added)
}

/** `ip route del`: the first that is like it in what is said. */
export const removeRoute = (netns: NetnsState, asked: Route): void => {
  const { dev, gw, prefix, priority, protocol, scope, table = mainTable } = asked
  const dst = networkOf(asked.dst, prefix)
  const at = netns.routes.findIndex(
    (route) =>
      route.dst === dst &&
      route.prefix === prefix &&
      route.table === table &&
      (dev === undefined || route.dev.index === dev) &&
      (gw === undefined || route.gw === canonical(gw)) &&
      (!priority || route.priority === priority) &&
      (!protocol || route.protocol === protocol) &&
      (scope === undefined || route.scope === scope)
  )
  if (at < 0) refuse("ESRCH")
  netns.routes.splice(at, 1)
}

/** `ip route show table all`, unicast routes; a multipath route as one for each next hop. */
export const listRoutes = (netns: NetnsState, { dev, protocol }: RouteFilter = {}): ReadonlyArray<Route> =>
  netns.routes
    .filter((route) => dev === undefined || route.dev.index === dev)
    .filter((route) => protocol === undefined || route.protocol === protocol)
    .map((route) => ({
      family: route.family,
      dst: route.dst,
      prefix: route.prefix,
      dev: route.dev.index,
      table: route.table,
      scope: route.scope,
      protocol: route.protocol,
      ...(route.gw === undefined ? {} : { gw: route.gw }),
      ...(route.mtu === undefined ? {} : { mtu: route.mtu }),
      ...(route.advmss === undefined ? {} : { advmss: route.advmss }),
      ...(route.priority === 0 ? {} : { priority: route.priority })
    }))
