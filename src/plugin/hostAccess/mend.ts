/** GC: routes whose pod is gone go, and those that are missing come back, with the host's link. */
import * as Effect from "effect/Effect"
import { hostLinkPrefix, hostRouteMetric, hostRouteProtocol } from "../../cni/identity/hostAccess.ts"
import type { Address } from "../../link/Address.ts"
import type { Link } from "../../link/Link.ts"
import type { Route } from "../../link/Route.ts"
import type { Place } from "../link/place.ts"
import { giveRoutes } from "./grant.ts"
import { withdrawWhere } from "./withdraw.ts"

/** A link of ours that was found in a namespace, of whichever network. */
export interface Survivor {
  readonly link: Link & { readonly alias: string }
  /** Its addresses, where it is of the network that is mended. */
  readonly addresses?: ReadonlyArray<Address>
}

/** Metrics of all routes that there are: asked before any namespace is looked at, since ADD makes the link first. */
export const givenMetrics = (host: Place) =>
  Effect.map(
    host.route.routeList({ protocol: hostRouteProtocol }),
    (routes) => new Set(routes.map(({ priority }) => priority))
  )

/** `given` are the metrics as they were before the survivors were found; `valid` are aliases, found or not. */
export const mendHostAccess = Effect.fnUntraced(function* (
  host: Place,
  given: ReadonlySet<number | undefined>,
  survivors: ReadonlyArray<Survivor>,
  valid: Iterable<string>
) {
  const living = new Set([...survivors.map(({ link }) => link.alias), ...valid].map(hostRouteMetric))
  const own = (yield* host.route.linkList).filter(({ name }) => name.startsWith(hostLinkPrefix))
  const isStale = ({ priority }: Route) => given.has(priority) && !living.has(priority ?? 0)
  yield* withdrawWhere(
    host,
    isStale,
    own.map(({ name }) => name)
  )
  for (const { link, addresses = [] } of survivors) {
    const lasting = addresses.filter(({ address }) => !/^fe[89ab].:/.test(address))
    if (lasting.length > 0) yield* giveBack(host, link, lasting)
  }
})

/** Nothing where the master went meanwhile: so did the pod's link. */
const giveBack = Effect.fnUntraced(
  function* (host: Place, link: Survivor["link"], addresses: ReadonlyArray<Address>) {
    const parent = yield* host.route.linkGet(link.parent?.index ?? 0)
    yield* giveRoutes(host, parent, hostRouteMetric(link.alias), addresses)
  },
  Effect.catchTag("LinkNotFound", () => Effect.void)
)
