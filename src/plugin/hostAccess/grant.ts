/** ADD: the node reaches the pod's addresses, and the pod the node's. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { hostLinkName, hostRouteMetric, hostRouteProtocol, linkLocalOf } from "../../cni/identity/hostAccess.ts"
import { type Cidr, networkOf } from "../../cni/result/Ip.ts"
import type { ResultIp, ResultRoute } from "../../cni/result/Result.ts"
import type { Address } from "../../link/Address.ts"
import type { Link } from "../../link/Link.ts"
import type { Route } from "../../link/Route.ts"
import { LogService } from "../../services/LogService.ts"
import { ConfigService } from "../ConfigService.ts"
import { toCniError } from "../errors.ts"
import { ownAlias } from "../link/own.ts"
import type { Place } from "../link/place.ts"
import { ensureHostLink } from "./hostLink.ts"
import { locked } from "./locked.ts"
import { nodeAddresses } from "./nodeAddresses.ts"
import { refuseMode } from "./refuse.ts"
import { withdraw } from "./withdraw.ts"

/** IFF: RT_SCOPE_LINK. */
const scopeLink = 253

/**
 * Answers the routes that the pod needs besides those that it has, for the result. What this ADD made on the host is taken
 * back when the scope fails.
 */
export const grantHostAccess = Effect.fnUntraced(function* (host: Place, link: Link, ips: ReadonlyArray<ResultIp>) {
  const config = yield* ConfigService
  const { log } = yield* LogService
  if (!config.link.hostAccess) return []
  yield* refuseMode(link.options["mode"])
  const parent = yield* host.route.linkGet(link.parent?.index ?? 0)
  const metric = hostRouteMetric(ownAlias(config))
  yield* Effect.addFinalizer((exit) =>
    Exit.isSuccess(exit)
      ? Effect.void
      : Effect.catch(withdraw(host, metric, [hostLinkName(parent)]), (error) =>
          log("error", () => `could not take the host's routes back: ${toCniError(error).msg}`)
        )
  )
  const { link: own, node } = yield* giveRoutes(
    host,
    parent,
    metric,
    ips.map(({ address }) => address)
  )
  return podRoutes(own, node, ips)
})

/** The host's link and its routes to the addresses, whatever of them is there already. */
export const giveRoutes = Effect.fnUntraced(function* (
  host: Place,
  parent: Link,
  metric: number,
  addresses: ReadonlyArray<Pick<Address, "family" | "address">>
) {
  const families = new Set(addresses.map(({ family }) => family))
  const node: Array<Address> = []
  for (const family of families) node.push(...(yield* nodeAddresses(host, parent, family)))
  const link = yield* locked(
    host,
    Effect.gen(function* () {
      const link = yield* ensureHostLink(host, parent, node, families)
      for (const { family, address } of addresses) {
        yield* host.route.routeAdd(hostRoute(link, metric, family, address)).pipe(
          Effect.catchIf(
            ({ errno }) => errno === "EEXIST",
            () => Effect.void
          )
        )
      }
      return link
    })
  )
  return { link, node }
})

/** `ip route add <address> dev mvhost2 proto 109 metric <metric>` */
const hostRoute = (link: Link, metric: number, family: 4 | 6, address: string): Route => ({
  family,
  dst: address,
  prefix: family === 4 ? 32 : 128,
  dev: link.index,
  protocol: hostRouteProtocol,
  priority: metric
})

/**
 * IPv4: only what is in none of the pod's own networks, where it would ask its gateway. IPv6: all, by way of the link-local
 * address, since nobody else that the pod reaches answers for them.
 */
const podRoutes = (
  own: Link,
  node: ReadonlyArray<Address>,
  ips: ReadonlyArray<ResultIp>
): ReadonlyArray<ResultRoute> => {
  const near = ({ address: cidr }: ResultIp, { family, address }: Address): boolean =>
    cidr.family === family && networkOf({ family, address, prefix: cidr.prefix }).address === networkOf(cidr).address
  return node.flatMap((has): ReadonlyArray<ResultRoute> => {
    const dst: Cidr = { family: has.family, address: has.address, prefix: has.family === 4 ? 32 : 128 }
    if (has.family === 6) return [{ dst, gw: { family: 6, address: linkLocalOf(own.mac ?? "") } }]
    return ips.some((ip) => near(ip, has)) ? [] : [{ dst, scope: scopeLink }]
  })
}
