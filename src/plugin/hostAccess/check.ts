/** CHECK: the host's link is there and whole, and has a route to each of the pod's addresses. */
import * as Effect from "effect/Effect"
import { hostLinkAlias, hostLinkName, hostRouteMetric, hostRouteProtocol } from "../../cni/identity/hostAccess.ts"
import type { Result } from "../../cni/result/Result.ts"
import type { Link } from "../../link/Link.ts"
import { ConfigService } from "../ConfigService.ts"
import { ownAlias } from "../link/own.ts"
import type { Place } from "../link/place.ts"
import { differs } from "../refusal/differs.ts"
import { findHostLink, wantedAddresses } from "./hostLink.ts"
import { nodeAddresses } from "./nodeAddresses.ts"

const mending = `GC mends it, and so does the next ADD with "hostAccess" on this master`

/** `index` is the attachment's own interface in the result. */
export const checkHostAccess = Effect.fnUntraced(function* (
  host: Place,
  link: Link,
  prevResult: Result,
  index: number
) {
  const config = yield* ConfigService
  const parent = yield* host.route.linkGet(link.parent?.index ?? 0)
  const own = yield* findHostLink(host, parent)
  if (own === undefined) {
    return yield* differs(`the node has no link "${hostLinkName(parent)}" on "${parent.name}" ("hostAccess")`, mending)
  }
  if (!own.up || own.alias !== hostLinkAlias) {
    return yield* differs(`the node's link "${own.name}" ("hostAccess") is ${own.up ? "unfinished" : "down"}`, mending)
  }
  const pod = prevResult.ips.flatMap((ip) => (ip.interface === index ? [ip.address] : []))
  const families = new Set(pod.map(({ family }) => family))
  const node = []
  for (const family of families) node.push(...(yield* nodeAddresses(host, parent, family)))
  const has = yield* host.route.addressList(own.index)
  const lacking = wantedAddresses(own, node, families).find(
    (one) => !has.some(({ address }) => address === one.address)
  )
  if (lacking !== undefined) {
    return yield* differs(`the node's link "${own.name}" ("hostAccess") lacks ${lacking.address}`, mending)
  }
  const metric = hostRouteMetric(ownAlias(config))
  const routes = yield* host.route.routeList({ dev: own.index, protocol: hostRouteProtocol })
  const cutOff = pod.find(({ address }) => !routes.some((one) => one.dst === address && one.priority === metric))
  if (cutOff !== undefined) {
    return yield* differs(`the node has no route to ${cutOff.address} over "${own.name}" ("hostAccess")`, mending)
  }
})
