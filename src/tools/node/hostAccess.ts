/** What `"hostAccess": true` has made on this node: the host's own link on a master, and a route for each address of a pod. */
import { encodeAlias } from "../../cni/identity/alias.ts"
import { hostRouteMetric, isHostLink } from "../../cni/identity/hostAccess.ts"
import type { Link } from "../../link/Link.ts"
import type { Route } from "../../link/Route.ts"
import type { Inventory } from "./inventory.ts"
import { isOwned, type OwnedLink } from "./leftovers.ts"

export interface HostAccess {
  readonly link: Link
  readonly master: string
  readonly routes: ReadonlyArray<HostRoute>
}

export interface HostRoute {
  /** `10.0.0.5/32`. */
  readonly destination: string
  /** The attachment whose address it is, told by the route's metric; undefined where there is none such any more. */
  readonly attachment?: OwnedLink
}

export const hostAccessOf = ({ host, links, hostRoutes }: Inventory): ReadonlyArray<HostAccess> => {
  const byMetric = new Map(
    links.filter(isOwned).map((found) => [hostRouteMetric(encodeAlias(found.ownership.owner)), found])
  )
  return host.flatMap((link) => {
    const parent = host.find(({ index }) => index === link.parent?.index)
    if (parent === undefined || !isHostLink(link, parent)) return []
    const routes = hostRoutes
      .filter(({ dev }) => dev === link.index)
      .map((route) => describeRoute(route, byMetric))
      .sort((a, b) => (a.destination < b.destination ? -1 : 1))
    return [{ link, master: parent.name, routes }]
  })
}

const describeRoute = ({ dst, prefix, priority = 0 }: Route, byMetric: ReadonlyMap<number, OwnedLink>): HostRoute => {
  const attachment = byMetric.get(priority)
  return { destination: `${dst}/${prefix}`, ...(attachment === undefined ? {} : { attachment }) }
}
