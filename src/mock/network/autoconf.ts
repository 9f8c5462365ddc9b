/** What IPv6 and IPv4 do by themselves as links come and go: link-local addresses, connected routes, and their ends. */

import type { AddressState, LinkState, Machine } from "../kernel/state.ts"
import { allLinks } from "../kernel/taps.ts"
import { linkLocalOf, networkOf } from "./subnet.ts"
import { copyIpv6Defaults, fitsIpv6, hasIpv6, ipv6Enabled, readSysctl } from "./sysctls.ts"

/** Up and with a carrier, its own or that of the link below. */
export const isRunning = (link: LinkState): boolean =>
  link.up && (link.lower !== undefined ? isRunning(link.lower) : link.peer !== undefined ? link.peer.up : link.cable)

const removeRoutes = (link: LinkState, family?: 4 | 6): void => {
  link.netns.routes = link.netns.routes.filter(
    (route) => route.dev !== link || (family !== undefined && route.family !== family)
  )
}

const removeAddresses = (link: LinkState, gone: (address: AddressState) => boolean): void => {
  const kept = link.addresses.filter((address) => !gone(address))
  link.addresses.splice(0, link.addresses.length, ...kept)
}

/** The route to an address's own network, which the kernel makes while the link is up. */
export const connect = (link: LinkState, { family, address, prefix, auto }: AddressState): void => {
  // Loopback's IPv4 networks, and ::1, are in the table of local addresses.
  if (!link.up || (link.loopback && (family === 4 || auto))) return
  const dst = networkOf(address, prefix)
  // An IPv4 address alone, and the unspecified network, get none; an IPv6 address always gets one.
  if (family === 4 && (prefix === 32 || dst.startsWith("0.") || /^2(2[4-9]|[3-5]\d)\./.test(dst))) return
  const same = link.netns.routes.some(
    (route) =>
      route.connected && route.dev === link && route.family === family && route.dst === dst && route.prefix === prefix
  )
  if (same) return
  link.netns.routes.push({
    family,
    dst,
    prefix,
    dev: link,
    priority: family === 4 ? 0 : 256,
    table: 254,
    scope: family === 4 ? 253 : 0,
    connected: true,
    protocol: 2
  })
}

const startIpv6 = (machine: Machine, link: LinkState): void => {
  link.ipv6Started = true
  const own = link.loopback ? "::1" : linkLocalOf(link.mac)
  // IN6_ADDR_GEN_MODE_NONE
  const none = readSysctl(link.netns, `net/ipv6/conf/${link.name}/addr_gen_mode`) === "1"
  if ((none && !link.loopback) || link.addresses.some(({ address }) => address === own)) return
  const prefix = link.loopback ? 128 : 64
  const address: AddressState = {
    family: 6,
    address: own,
    prefix,
    auto: true,
    tentativeReads: link.loopback ? 0 : machine.tentativeReads
  }
  link.addresses.push(address)
  connect(link, address)
}

/** Lets IPv6 act on what the last operation has changed; called after each. */
export const settle = (machine: Machine): void => {
  for (const link of allLinks(machine)) {
    if (!hasIpv6(link)) forgetIpv6(link)
    else if (!link.ipv6) {
      link.ipv6 = true
      copyIpv6Defaults(link)
    }
    if (!ipv6Enabled(link)) stopIpv6(link)
    else if (!link.ipv6Started && fitsIpv6(link) && isRunning(link)) startIpv6(machine, link)
  }
  for (const hear of machine.listeners) hear()
}

/** Removes what IPv6 has on the link, at least the addresses that are `gone`. */
const stopIpv6 = (link: LinkState, gone: (address: AddressState) => boolean = () => true): void => {
  link.ipv6Started = false
  removeAddresses(link, (address) => address.family === 6 && gone(address))
  removeRoutes(link, 6)
}

const forgetIpv6 = (link: LinkState): void => {
  link.ipv6 = false
  for (const key of [...link.sysctls.keys()]) if (key.startsWith("ipv6/")) link.sysctls.delete(key)
}

/** IPv6 leaves a link that has become too small for it; the link may be known to it still, which loopback is. */
export const mtuChanged = (link: LinkState): void => {
  if (!fitsIpv6(link)) stopIpv6(link)
}

/** IPv4 addresses outlive a link's going down, IPv6 addresses do not, unless keep_addr_on_down says so; routes never do. */
export const wentDown = (link: LinkState): void => {
  const keeps = hasIpv6(link) && readSysctl(link.netns, `net/ipv6/conf/${link.name}/keep_addr_on_down`) === "1"
  stopIpv6(link, (address) => address.auto || !keeps)
  removeRoutes(link)
}

/** Addresses that were there before get their routes again. */
export const wentUp = (link: LinkState): void => {
  if (link.loopback && !link.addresses.some(({ address }) => address === "127.0.0.1")) {
    link.addresses.unshift({ family: 4, address: "127.0.0.1", prefix: 8, auto: false, tentativeReads: 0 })
  }
  for (const address of link.addresses) connect(link, address)
}

/** The link leaves its namespace, with all that was said of it there. */
export const forgetAddresses = (link: LinkState): void => {
  removeAddresses(link, () => true)
  removeRoutes(link)
  link.sysctls.clear()
  link.ipv6 = false
  link.ipv6Started = false
}
