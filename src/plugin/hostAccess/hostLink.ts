/**
 * The host's own link on a master: a macvlan in mode bridge, the only kind of link that its siblings in pods reach.
 *
 * It must not be noticed by anybody else on the wire. Every broadcast from there comes to it too, so it may answer only
 * pods that have a route by way of it: arp_filter does that in IPv4. IPv6 has no such filter: with one of the node's
 * addresses on it, it answered neighbour solicitations from the wire, and the whole network's traffic to the node came in
 * over it. So it carries none but a link-local address, which is the gateway of the pods' routes to the node.
 */
import * as Effect from "effect/Effect"
import { hostLinkAlias, hostLinkMac, hostLinkName, isHostLink, linkLocalOf } from "../../cni/identity/hostAccess.ts"
import type { Address } from "../../link/Address.ts"
import type { Link } from "../../link/Link.ts"
import { macvlan } from "../../link/macvlan.ts"
import { LogService } from "../../services/LogService.ts"
import { NetnsService } from "../../services/NetnsService.ts"
import type { Place } from "../link/place.ts"
import { foreignHostLink } from "./refuse.ts"

/** As it shall be, made where it is not there: under the namespace's lock. `families` are those of the pod's addresses. */
export const ensureHostLink = Effect.fnUntraced(function* (
  host: Place,
  parent: Link,
  node: ReadonlyArray<Address>,
  families: ReadonlySet<4 | 6>
) {
  const found = yield* findHostLink(host, parent)
  const link = found ?? (yield* makeHostLink(host, parent))
  if (families.has(6)) yield* switchIpv6On(host, link)
  const has = found === undefined ? [] : yield* host.route.addressList(link.index)
  yield* carry(host, link, has, wantedAddresses(link, node, families), families)
  // Last of all, and at once: one that is up and has its alias is whole.
  if (!link.up || link.alias === undefined) yield* host.route.linkSet(link.index, { alias: hostLinkAlias, up: true })
  return link
})

/** The link of that name; undefined where there is none, an error where it is somebody else's. */
export const findHostLink = Effect.fnUntraced(function* (host: Place, parent: Link) {
  const link = yield* host.route
    .linkGet(hostLinkName(parent))
    .pipe(Effect.catchTag("LinkNotFound", () => Effect.succeed(undefined)))
  if (link !== undefined && !isHostLink(link, parent)) return yield* foreignHostLink(link, parent)
  return link
})

/**
 * Down, so that it says nothing before it may. Router advertisements from the wire are the master's to hear, not its; and
 * its link-local address is given to it, since the kernel would look for duplicates of its own for a second.
 */
const makeHostLink = Effect.fnUntraced(function* (host: Place, parent: Link) {
  const { sysctlSet } = yield* NetnsService
  const { log } = yield* LogService
  const name = hostLinkName(parent)
  yield* host.route.linkAdd({
    kind: macvlan,
    name,
    parent: parent.index,
    mac: hostLinkMac(parent),
    options: { mode: "bridge" }
  })
  yield* sysctlSet(host.netns, `net/ipv4/conf/${name}/arp_filter`, "1")
  for (const [setting, value] of [
    ["accept_ra", "0"],
    ["addr_gen_mode", "1"]
  ] as const) {
    const key = `net/ipv6/conf/${name}/${setting}`
    yield* sysctlSet(host.netns, key, value).pipe(
      Effect.catch((error) => log("info", () => `sysctl ${key}: ${error.errno}: this node has no IPv6`))
    )
  }
  return yield* host.route.linkGet(name)
})

/** Where IPv6 is off for new links, this one needs it, as the pod does. */
const switchIpv6On = Effect.fnUntraced(function* (host: Place, { name }: Link) {
  const { sysctlGet, sysctlSet } = yield* NetnsService
  const key = `net/ipv6/conf/${name}/disable_ipv6`
  if ((yield* sysctlGet(host.netns, key)) !== "0") yield* sysctlSet(host.netns, key, "0")
})

/** IPv4: the node's, each alone, without its network. IPv6: see above. */
export const wantedAddresses = (
  link: Link,
  node: ReadonlyArray<Address>,
  families: ReadonlySet<4 | 6>
): ReadonlyArray<Address> => [
  ...node.flatMap(({ family, address }) => (family === 4 ? [{ family, address, prefix: 32 } as const] : [])),
  ...(families.has(6) ? [{ family: 6, address: linkLocalOf(link.mac ?? ""), prefix: 64, nodad: true } as const] : [])
]

/** Adds what is missing, and takes away what the node has no more: it would still be taken for the node's own. */
const carry = Effect.fnUntraced(function* (
  host: Place,
  link: Link,
  has: ReadonlyArray<Address>,
  wanted: ReadonlyArray<Address>,
  families: ReadonlySet<4 | 6>
) {
  const among = (list: ReadonlyArray<Address>, { address }: Address) => list.some((one) => one.address === address)
  for (const address of wanted) if (!among(has, address)) yield* host.route.addressAdd(link.index, address)
  for (const address of has) {
    if (address.family !== 4 || !families.has(4) || among(wanted, address)) continue
    yield* host.route.addressDel(link.index, address).pipe(
      Effect.catchIf(
        ({ errno }) => errno === "EADDRNOTAVAIL",
        () => Effect.void
      )
    )
  }
})
