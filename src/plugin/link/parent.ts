/** The parent: the host's link, named by `master`, on which the container's link is made. */
import * as Effect from "effect/Effect"
import { CniError, codes } from "../../cni/call/CniError.ts"
import { kindByName } from "../../link/kinds.ts"
import type { Link, Parent } from "../../link/Link.ts"
import type { Rtnetlink } from "../../services/NetlinkService.ts"
import { ConfigService } from "../ConfigService.ts"
import type { Place } from "./place.ts"

/** What the kernel makes the parent of links on `master`: of what is made on a macvlan or macvtap, the link below that one. */
export const lowerOf = (master: Link): Parent =>
  (kindByName(master.kind ?? "") === undefined ? undefined : master.parent) ?? { index: master.index }

/**
 * Whether the link, which is in `place`, is on the link of that ifindex in `other`. An ifindex alone says nothing: a pod
 * can make a link of its own that has any.
 */
export const isOn = Effect.fnUntraced(function* (place: Place, link: Link, other: Place, index: number | undefined) {
  const { parent } = link
  if (parent === undefined || parent.index !== index) return false
  if (place.netns.id === other.netns.id) return parent.netnsid === undefined
  return parent.netnsid !== undefined && parent.netnsid === (yield* place.route.netnsid(other.netns))
})

/**
 * The configured `master`, in the place where it is looked up: the host's, or with `linkInContainer` the container's. Where
 * none is configured a link without a device is put on the default route's link, as Go's macvlan is. A tap is not: a pod
 * that forgot to request its device would find itself on the network that manages the node.
 */
export const findParent = (route: Rtnetlink) =>
  ConfigService.use(({ network, link }) => {
    const { master, linkInContainer } = link
    if (master === undefined) {
      return network.kind.device === undefined ? defaultRouteLink(route) : Effect.fail(unnamed(network.kind.kind))
    }
    return Effect.catchTag(route.linkGet(master), "LinkNotFound", () =>
      Effect.fail(missing(master, linkInContainer ? "in the container" : "on this node"))
    )
  })

/** The link of the default route: IPv4 before IPv6, the first next hop of a multipath route, the lowest metric. */
const defaultRouteLink = Effect.fnUntraced(function* (route: Rtnetlink) {
  const routes = yield* route.routeList()
  const [best] = routes
    .filter((r) => r.prefix === 0 && r.dev !== undefined && (r.table ?? 254) === 254)
    .sort((a, b) => a.family - b.family || (a.priority ?? 0) - (b.priority ?? 0))
  if (best?.dev === undefined) {
    return yield* new CniError({
      code: codes.invalidConfig,
      msg: "no default route interface found",
      details: `"master" is not configured, and no default route says which link to use; set "master"`
    })
  }
  return yield* route.linkGet(best.dev)
})

const unnamed = (kind: string) =>
  new CniError({
    code: codes.invalidConfig,
    msg: `a ${kind} needs "master" or "deviceID", and the network has neither`,
    details:
      `set "master" to a link of the node; or, for a device plugin's device, which comes as "deviceID", let the pod request ` +
      `its resource (resources.limits) and the network attachment name that (annotation k8s.v1.cni.cncf.io/resourceName)`
  })

const missing = (master: string, where: string) =>
  new CniError({
    code: codes.invalidConfig,
    msg: `master "${master}" does not exist`,
    details: `there is no link of that name ${where}; "master" must name one that this node has (see "ip link")`
  })

/**
 * The MTU is checked first because the kernel refuses one above the parent's without a word (EINVAL, no extack).
 * 0 and absent both mean the parent's.
 */
export const checkMtu = (mtu: number | undefined, parent: Link): Effect.Effect<void, CniError> =>
  mtu === undefined || mtu === 0 || (mtu <= parent.mtu && mtu >= parent.minMtu)
    ? Effect.void
    : new CniError({
        code: codes.invalidConfig,
        msg: `invalid MTU ${mtu}, must be [0, master MTU(${parent.mtu})]`,
        details:
          `"mtu" is ${mtu}, but "${parent.name}" carries ${Math.max(parent.minMtu, 0)} to ${parent.mtu} bytes; ` +
          `lower "mtu", or leave it out to take the master's`
      })
