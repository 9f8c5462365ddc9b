/** The node's addresses that pods on a master shall reach: the master's, or those of the node itself where it has none. */
import * as Effect from "effect/Effect"
import type { Address } from "../../link/Address.ts"
import type { Link } from "../../link/Link.ts"
import type { Place } from "../link/place.ts"

/** By family. The addresses of the default route's link stand in for a master that has none, as one for guests alone has. */
export const nodeAddresses = Effect.fnUntraced(function* (host: Place, parent: Link, family: 4 | 6) {
  const own = lasting(yield* host.route.addressList(parent.index), family)
  if (own.length > 0) return own
  const [best] = (yield* host.route.routeList())
    .filter((route) => route.family === family && route.prefix === 0 && (route.table ?? 254) === 254)
    .sort((a, b) => (a.priority ?? 0) - (b.priority ?? 0))
  return best?.dev === undefined ? [] : lasting(yield* host.route.addressList(best.dev), family)
})

/**
 * Without those that are used on the link alone, and those that come and go: addresses that wander between nodes (keepalived,
 * kube-vip) stand beside the node's own, and have no network of theirs.
 */
const lasting = (addresses: ReadonlyArray<Address>, family: 4 | 6): ReadonlyArray<Address> => {
  const usable = addresses.filter(
    (has) => has.family === family && !/^(127\.|::1$|fe[89ab].:)/.test(has.address) && has.dadFailed !== true
  )
  const withNetwork = usable.filter(({ prefix }) => prefix < (family === 4 ? 32 : 128))
  return withNetwork.length > 0 ? withNetwork : usable
}
