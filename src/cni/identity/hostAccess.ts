/**
 * What `"hostAccess": true` makes on the host: one link on each master, and a route for each address of a pod. All of it
 * follows from the master and from the attachment's alias, so that no list has to be kept of it.
 */
import type { Link } from "../../link/Link.ts"
import { hash32 } from "../../wire/hash32.ts"
import { encodeMac } from "../../wire/mac.ts"
import { xxHash64 } from "../../wire/xxHash64.ts"

/** RTA_PROTOCOL of its routes: `ip route show proto 109`. No number that iproute2's rt_protos gives to anybody. */
export const hostRouteProtocol = 109

/** hash32's seed for metrics. */
const metricSeed = 0x9747b28c

/**
 * The metric of an attachment's routes, in [1, 2^32): it tells whose they are, where a route has no alias. A pod's address
 * has no other route of its length, so that the metric decides nothing else.
 */
export const hostRouteMetric = (alias: string): number => hash32(alias, metricSeed) || 1

/** How names of such links begin. */
export const hostLinkPrefix = "mvhost"

/** `mvhost2` on the link with ifindex 2: at most 12 bytes, since an ifindex has at most 6 digits to the base of 36. */
export const hostLinkName = (parent: Pick<Link, "index">): string => `${hostLinkPrefix}${parent.index.toString(36)}`

/** What its alias says: whose it is, and that it is no pod's. */
export const hostLinkAlias = "macvtap-cni host access"

/**
 * Its MAC address, always the same on a master, so that what neighbours know of it stays true when it is made anew. Given,
 * not left to chance: udev's MACAddressPolicy changes random ones.
 */
export const hostLinkMac = (parent: Pick<Link, "mac">): string => {
  const digits = BigInt.asUintN(40, xxHash64(`host access/${parent.mac}`))
    .toString(16)
    .padStart(10, "0")
  return `02:${digits.replaceAll(/..(?=.)/g, "$&:")}`
}

/** The link-local address that follows from its MAC (RFC 4291, appendix A): where pods send IPv6 packets for the node. */
export const linkLocalOf = (mac: string): string => {
  const [a = 0, ...rest] = encodeMac(mac)
  const bytes = [a ^ 2, ...rest.slice(0, 2), 0xff, 0xfe, ...rest.slice(2)]
  const groups = [0, 2, 4, 6].map((at) => (((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)).toString(16))
  return `fe80::${groups.join(":")}`
}

/**
 * Whether a link with the name is the host's own on that parent. The kernel takes no alias in the request that makes a
 * link, so that one whose ADD was killed in between is known by its MAC address.
 */
export const isHostLink = (link: Link, parent: Link): boolean =>
  link.kind === "macvlan" &&
  link.parent?.index === parent.index &&
  link.parent.netnsid === undefined &&
  link.options["mode"] === "bridge" &&
  (link.alias === hostLinkAlias || (link.alias === undefined && link.mac === hostLinkMac(parent)))
