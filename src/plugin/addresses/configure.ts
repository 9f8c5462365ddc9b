/** Puts what IPAM allotted on the link: addresses first, then up, then routes, as the kernel needs it. */

import * as Effect from "effect/Effect"
import { CniError, codes } from "../../cni/call/CniError.ts"
import { formatCidr, networkOf } from "../../cni/result/Ip.ts"
import type { ResultIp, ResultRoute } from "../../cni/result/Result.ts"
import type { Link } from "../../link/Link.ts"
import type { Route } from "../../link/Route.ts"
import { traced } from "../../observe/span.ts"
import { LogService } from "../../services/LogService.ts"
import type { NetlinkError } from "../../services/NetlinkService.ts"
import { NetnsService } from "../../services/NetnsService.ts"
import { goUp } from "../link/goUp.ts"
import type { Place } from "../link/place.ts"
import { announceAgain } from "./overLink.ts"

interface Allotment {
  readonly ips: ReadonlyArray<ResultIp>
  readonly routes: ReadonlyArray<ResultRoute>
}

/** IFF: RT_SCOPE_LINK, what `ip route add` takes for an IPv4 route without a gateway. */
const scopeLink = 253

/** RFC 8200, 5: the kernel gives a link with a smaller MTU no IPv6 at all. */
const leastIpv6Mtu = 1280

/** Milliseconds, as the reference implementation has them. */
const dadPoll = 50

const dadLimit = 5_000

/** Milliseconds. The kernel finds out about a carrier some time after the link went up (linkwatch, up to a second's work). */
const carrierLimit = 500

/** `ip addr add`, `ip link set up`, wait for DAD, `ip route add`, for all that was allotted. */
export const configureAddresses = Effect.fnUntraced(function* (
  host: Place,
  container: Place,
  link: Link,
  allotted: Allotment
) {
  const hasIpv6 = allotted.ips.some((ip) => ip.address.family === 6)
  yield* prepareSysctls(container, link, hasIpv6)
  for (const ip of allotted.ips) {
    yield* container.route.addressAdd(link.index, ip.address).pipe(Effect.mapError(addressRefused(ip)))
  }
  yield* goUp(host, container, link)
  yield* announceAgain(container, link)
  if (hasIpv6) {
    const waiting = traced("wait for duplicate address detection", { "wait.for": "duplicate address detection" })
    yield* waiting(awaitDad(container, link))
  }
  yield* addRoutes(container, link, allotted.routes, allotted.ips)
})

/** `ip route add`, for each; a gateway that none is given is the first of `ips` in its family. */
export const addRoutes = Effect.fnUntraced(function* (
  container: Place,
  link: Link,
  routes: ReadonlyArray<ResultRoute>,
  ips: ReadonlyArray<ResultIp>
) {
  for (const route of routes) {
    const asked = yield* toRoute(link, route, ips)
    yield* container.route.routeAdd(asked).pipe(Effect.mapError(routeRefused(asked)))
  }
})

/**
 * arp_notify and ndisc_notify make the kernel announce the addresses (gratuitous ARP, unsolicited NA) when the link goes
 * up: best effort. IPv6 may be switched off for a namespace; an IPv6 address then needs it on, for the link and for lo.
 * keep_addr_on_down keeps the addresses when something sets the link down and up again.
 */
const prepareSysctls = Effect.fnUntraced(function* (container: Place, link: Link, hasIpv6: boolean) {
  const { sysctlGet, sysctlSet } = yield* NetnsService
  const { log } = yield* LogService
  const { netns } = container
  const bestEffort = (key: string, value: string) =>
    sysctlSet(netns, key, value).pipe(Effect.catch((error) => log("info", () => `sysctl ${key}: ${error.errno}`)))
  yield* bestEffort(`net/ipv4/conf/${link.name}/arp_notify`, "1")
  yield* bestEffort(`net/ipv6/conf/${link.name}/ndisc_notify`, "1")
  if (!hasIpv6) return
  for (const name of ["lo", link.name]) {
    const key = `net/ipv6/conf/${name}/disable_ipv6`
    const disabled = yield* sysctlGet(netns, key).pipe(
      Effect.catch((error) => log("warning", () => `sysctl ${key}: ${error.errno}`).pipe(Effect.as("0")))
    )
    if (disabled !== "0") yield* sysctlSet(netns, key, "0")
  }
  yield* sysctlSet(netns, `net/ipv6/conf/${link.name}/keep_addr_on_down`, "1").pipe(
    Effect.catchIf(
      ({ errno }) => errno === "ENOENT",
      () => withoutIpv6(link)
    )
  )
})

/** Why a link has no IPv6 that was allotted an IPv6 address: the kernel says EINVAL, and no more. */
const withoutIpv6 = (link: Link): CniError =>
  new CniError({
    code: codes.invalidConfig,
    msg: `link "${link.name}" has no IPv6, but was allotted an IPv6 address`,
    details:
      link.mtu < leastIpv6Mtu
        ? `its MTU is ${link.mtu}, IPv6 needs ${leastIpv6Mtu} at least; raise "mtu", or let IPAM allot IPv4 alone`
        : "the node's kernel runs without IPv6 (ipv6.disable=1); let IPAM allot IPv4 alone"
  })

const addressRefused = (ip: ResultIp) => (error: NetlinkError) =>
  new CniError({
    code: codes.invalidConfig,
    msg: `failed to add address ${formatCidr(ip.address)}: ${error.extack ?? "refused by the kernel"} (${error.errno})`,
    details: `${error.operation}; the address comes from the IPAM plugin's result`
  })

/**
 * Waits until no IPv6 address is tentative: until then the kernel refuses to use it. An address that someone else on the
 * network has fails the ADD. A link without a carrier can finish no detection, and must not block the pod's start.
 */
const awaitDad = Effect.fnUntraced(function* (container: Place, link: Link) {
  for (let waited = 0; ; waited += dadPoll) {
    const addresses = yield* container.route.addressList(link.index)
    const duplicate = addresses.find((address) => address.dadFailed === true)
    if (duplicate !== undefined) {
      return yield* new CniError({
        code: codes.internal,
        msg: `link ${link.name} has address ${duplicate.address} in DADFAILED state`,
        details: "another machine on the network uses this address; IPAM must allot another"
      })
    }
    if (!addresses.some((address) => address.tentative === true)) return
    if (waited >= carrierLimit && !(yield* container.route.linkGet(link.index)).running) return
    if (waited >= dadLimit) {
      return yield* new CniError({
        code: codes.tryAgainLater,
        msg: `link ${link.name} still has tentative addresses after ${dadLimit / 1000} s`
      })
    }
    yield* Effect.sleep(dadPoll)
  }
})

const toRoute = Effect.fnUntraced(function* (link: Link, route: ResultRoute, ips: ReadonlyArray<ResultIp>) {
  const dst = route.dst
  const { family, prefix } = dst
  const network = networkOf(dst)
  if (dst.address !== network.address) {
    return yield* new CniError({
      code: codes.invalidConfig,
      msg: `route dst "${formatCidr(dst)}" has bits set beyond its prefix`,
      details: `the network would be "${formatCidr(network)}"`
    })
  }
  // Link scope says that the destination is on the link itself; the kernel refuses a gateway of the same scope.
  const onLink = route.scope !== undefined && route.scope >= scopeLink
  const gateway = ips.find((ip) => ip.gateway !== undefined && ip.address.family === family)?.gateway
  const gw = route.gw ?? (onLink ? undefined : gateway)
  const scope = route.scope ?? (family === 4 && gw === undefined ? scopeLink : undefined)
  return {
    family,
    dst: network.address,
    prefix,
    dev: link.index,
    ...(gw === undefined ? {} : { gw: gw.address }),
    ...(scope === undefined ? {} : { scope }),
    ...(route.mtu ? { mtu: route.mtu } : {}),
    ...(route.advmss ? { advmss: route.advmss } : {}),
    ...(route.priority ? { priority: route.priority } : {}),
    ...(route.table === undefined ? {} : { table: route.table })
  } satisfies Route
})

const routeRefused =
  ({ dst, prefix, gw }: Route) =>
  (error: NetlinkError) =>
    new CniError({
      code: codes.invalidConfig,
      msg:
        `failed to add route ${dst}/${prefix}${gw === undefined ? "" : ` via ${gw}`}: ` +
        `${error.extack ?? "refused by the kernel"} (${error.errno})`,
      details:
        error.errno === "ENETUNREACH" || error.errno === "EHOSTUNREACH"
          ? "the gateway must be in the subnet of one of the addresses"
          : `${error.operation}; the route comes from the IPAM plugin's result`
    })

/**
 * A tap's link in a pod that only runs a guest says nothing itself: IPv6 autoconfiguration there would announce an address
 * of its own beside the guest's. Best effort, where the namespace has no IPv6 there is nothing to switch off.
 */
export const silenceLink = (container: Place, link: Link) =>
  NetnsService.use(({ sysctlSet }) =>
    Effect.catch(sysctlSet(container.netns, `net/ipv6/conf/${link.name}/disable_ipv6`, "1"), (error) =>
      LogService.use(({ log }) => log("info", () => `IPv6 of ${link.name} stays as it is: ${error.errno}`))
    )
  )
