/** CHECK, of addresses and routes: those of the result that are this attachment's are there. */

import * as Effect from "effect/Effect"
import { formatCidr, networkOf } from "../../cni/result/Ip.ts"
import type { Result, ResultIp, ResultRoute } from "../../cni/result/Result.ts"
import type { Link } from "../../link/Link.ts"
import type { Route } from "../../link/Route.ts"
import type { Place } from "../link/place.ts"
import { differs } from "../refusal/differs.ts"

/** The kernel takes table 0 for it. */
const mainTable = 254

/** Bytes: 65535 less 15, to which the kernel cuts a larger one. */
const largestRouteMtu = 65520

/** `index` is the attachment's own interface in the result. */
export const checkAddresses = Effect.fnUntraced(function* (
  container: Place,
  link: Link,
  prevResult: Result,
  index: number
) {
  // An address that names no interface is ours where there is no other it could be.
  const onlyOurs = prevResult.interfaces.length === 1
  const ours = prevResult.ips.filter((ip) => ip.interface === index || (ip.interface === undefined && onlyOurs))
  if (ours.length === 0 && prevResult.routes.length === 0) return
  const found = yield* container.route.addressList(link.index)
  for (const ip of ours) {
    const { address, prefix } = ip.address
    if (!found.some((has) => has.address === address && has.prefix === prefix)) {
      return yield* differs(`Failed to match addr ${formatCidr(ip.address)} on interface ${link.name}`)
    }
  }
  const routes = yield* container.route.routeList()
  const cutOff = ours.find((ip) => !hasSubnetRoute(link, routes, ip))
  if (cutOff !== undefined) {
    const network = formatCidr(networkOf(cutOff.address))
    return yield* differs(
      `Failed to find the route to ${network} of address ${formatCidr(cutOff.address)} on interface ${link.name}`
    )
  }
  const missing = prevResult.routes.find((asked) => !routes.some(isRoute(asked)))
  if (missing === undefined) return
  const via = missing.gw === undefined ? "" : ` via ${missing.gw.address}`
  return yield* differs(`Failed to find route ${formatCidr(missing.dst)}${via} for interface ${link.name}`)
})

/**
 * The route to the address's own network, which the kernel makes: in whichever table, since others of a chain move it. An
 * address alone has none.
 */
const hasSubnetRoute = (link: Link, routes: ReadonlyArray<Route>, { address }: ResultIp): boolean => {
  const network = networkOf(address)
  return (
    address.prefix === (address.family === 4 ? 32 : 128) ||
    routes.some(({ dev, dst, prefix }) => dev === link.index && dst === network.address && prefix === network.prefix)
  )
}

const isRoute = (asked: ResultRoute) => {
  const { family, address, prefix } = networkOf(asked.dst)
  return (route: Route): boolean =>
    route.family === family &&
    route.prefix === prefix &&
    route.dst === address &&
    (route.table ?? mainTable) === (asked.table || mainTable) &&
    // A default route may come from the first gateway of the family; only a stated gateway of another route is compared.
    (asked.gw === undefined || prefix === 0 || route.gw === asked.gw.address) &&
    asAsked(asked.priority, route.priority) &&
    asAsked(asked.mtu && Math.min(asked.mtu, largestRouteMtu), route.mtu) &&
    asAsked(asked.advmss, route.advmss) &&
    // IPv6 routes have no scope.
    (family === 6 || asked.scope === undefined || route.scope === asked.scope)
}

/** Zero says as much as nothing. */
const asAsked = (asked: number | undefined, found: number | undefined): boolean => !asked || asked === found
