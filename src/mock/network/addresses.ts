/** `ip addr`: net/ipv4/devinet.c, net/ipv6/addrconf.c. */
import type { Address } from "../../link/Address.ts"
import { refuse } from "../kernel/Refusal.ts"
import type { AddressState, LinkState, Machine, NetnsState } from "../kernel/state.ts"
import { connect, isRunning } from "./autoconf.ts"
import { canonical, isMulticast6, networkOf } from "./subnet.ts"
import { hasIpv6, ipv6Enabled } from "./sysctls.ts"

const checkIpv4 = (link: LinkState, address: string, prefix: number): void => {
  if (link.addresses.some((has) => has.family === 4 && has.address === address && has.prefix === prefix)) {
    refuse("EEXIST", "ipv4: Address already assigned")
  }
}

/** In the kernel's order, which shows in what it says. */
const checkIpv6 = (link: LinkState, address: string, prefix: number): void => {
  if (!hasIpv6(link)) refuse("EINVAL")
  if (link.addresses.some((has) => has.family === 6 && has.address === address)) {
    refuse("EEXIST", "ipv6: address already assigned")
  }
  if (prefix > 128) refuse("EINVAL", "ipv6: Invalid prefix length")
  if (!ipv6Enabled(link)) refuse("EACCES", "ipv6: IPv6 is disabled on this device")
  if (isMulticast6(address)) {
    refuse("EADDRNOTAVAIL", `ipv6: Cannot assign multicast address without "IFA_F_MCAUTOJOIN" flag`)
  }
  if (address === "::") refuse("EADDRNOTAVAIL", "ipv6: Invalid address")
  if (address === "::1" && !link.loopback) {
    refuse("EADDRNOTAVAIL", "ipv6: Cannot assign loopback address on this device")
  }
}

/** `ip addr add <address>/<prefix> dev <index>` */
export const addAddress = (machine: Machine, netns: NetnsState, index: number, asked: Address): void => {
  const address = canonical(asked.address)
  const { family, prefix } = asked
  if (family === 4 && prefix > 32) refuse("EINVAL", "ipv4: Invalid prefix length")
  const notFound = family === 4 ? "ipv4: Device not found" : "ipv6: Unable to find the interface"
  const link = netns.links.get(index) ?? refuse("ENODEV", notFound)
  if (family === 4) checkIpv4(link, address, prefix)
  else checkIpv6(link, address, prefix)
  const added: AddressState = {
    family,
    address,
    prefix,
    auto: false,
    nodad: asked.nodad === true,
    tentativeReads: family === 6 ? machine.tentativeReads : 0
  }
  link.addresses.push(added)
  connect(link, added)
}

/** Detection needs a carrier; it ends after as many looks as the machine was made with. */
const describeIpv6 = (machine: Machine, link: LinkState, has: AddressState): Partial<Address> => {
  const duplicate = machine.duplicates.has(has.address)
  if (has.nodad === true) return {}
  const pending = !isRunning(link) || has.tentativeReads > 0
  if (isRunning(link) && has.tentativeReads > 0) has.tentativeReads--
  return pending ? { tentative: true } : duplicate ? { tentative: true, dadFailed: true } : {}
}

/** `ip addr show dev <index>` */
export const listAddresses = (machine: Machine, netns: NetnsState, index: number): ReadonlyArray<Address> => {
  const link = netns.links.get(index) ?? refuse("ENODEV")
  return link.addresses.map((has) => ({
    family: has.family,
    address: has.address,
    prefix: has.prefix,
    ...(has.family === 6 && !link.loopback ? describeIpv6(machine, link, has) : {})
  }))
}

/** `ip addr del <address>/<prefix> dev <index>`; the connected route goes when no other address needs it. */
export const removeAddress = (netns: NetnsState, index: number, address: string, prefix: number): void => {
  const link = netns.links.get(index) ?? refuse("ENODEV")
  const at = link.addresses.findIndex((has) => has.address === address && has.prefix === prefix)
  if (at < 0) refuse("EADDRNOTAVAIL")
  link.addresses.splice(at, 1)
  const dst = networkOf(address, prefix)
  if (link.addresses.some((has) => has.prefix === prefix && networkOf(has.address, prefix) === dst)) return
  netns.routes = netns.routes.filter(
    (route) => !(route.connected && route.dev === link && route.dst === dst && route.prefix === prefix)
  )
}
