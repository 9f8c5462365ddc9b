/** What macvlan and macvtap links share a lower device by: who may join, whose MAC is whose (drivers/net/macvlan.c). */
import type { LinkOptions } from "../../link/Link.ts"
import { isUnicastMac } from "../../wire/mac.ts"
import { refuse } from "./Refusal.ts"
import type { LinkState, Machine } from "./state.ts"
import { allLinks } from "./taps.ts"

export const isMacvlan = (kind: string | undefined): boolean => kind === "macvlan" || kind === "macvtap"

export const isPassthru = (options: LinkOptions): boolean => options["mode"] === "passthru"

/** The links on a lower device, in whatever namespace. */
export const linksOn = (machine: Machine, lower: LinkState): ReadonlyArray<LinkState> =>
  [...allLinks(machine)].filter((link) => link.lower === lower)

const passthruOn = (machine: Machine, lower: LinkState): LinkState | undefined =>
  linksOn(machine, lower).find((link) => isPassthru(link.options))

/** What is checked of a MAC address before anything else. */
export const validateMac = (mac: string): void => {
  if (!isUnicastMac(mac)) refuse("EADDRNOTAVAIL")
}

/** The lower device of a link that is to be made on `parent`: below another macvlan it is that one's. */
export const lowerOf = (parent: LinkState): LinkState => parent.lower ?? parent

/** Whether a link with these options may join those on the lower device. */
export const mayJoin = (machine: Machine, lower: LinkState, options: LinkOptions): void => {
  const others = linksOn(machine, lower)
  if (others.length === 0) {
    if (lower.loopback) refuse("EINVAL")
    // A port of a bridge or bond has its frames taken by that one.
    if (lower.controller !== undefined || lower.kind === "macvtap") refuse("EBUSY")
  }
  if (passthruOn(machine, lower) !== undefined) refuse("EINVAL")
  if (isPassthru(options) && others.length > 0) refuse("EINVAL")
}

/** Whether frames to the MAC address go to another already: only links that are up count, and the lower device. */
const isBusy = (machine: Machine, link: LinkState, mac: string): boolean => {
  const { lower } = link
  if (lower === undefined) return false
  if (!isPassthru(link.options) && lower.mac === mac) return true
  return linksOn(machine, lower).some((other) => other.up && other.mac === mac)
}

/** Going up claims the MAC address. */
export const mayOpen = (machine: Machine, link: LinkState): void => {
  if (link.lower !== undefined && !isPassthru(link.options) && isBusy(machine, link, link.mac)) refuse("EADDRINUSE")
}

/** `ip link set <link> address <mac>`. A passthru link and its lower device have one MAC address between them. */
export const setMac = (machine: Machine, link: LinkState, mac: string): void => {
  if (link.mac === mac) return
  validateMac(mac)
  if (link.lower !== undefined && !isPassthru(link.options)) {
    if (isBusy(machine, link, mac)) refuse("EADDRINUSE")
    link.mac = mac
    return
  }
  const lower = link.lower ?? link
  lower.mac = mac
  // What the lower device itself is told to have is its own from now on.
  if (lower === link && lower.ownMac !== undefined) lower.ownMac = mac
  const follower = passthruOn(machine, lower)
  if (follower !== undefined) follower.mac = mac
}

/** What a new link has where the request says nothing (MACVLAN_DEFAULT_BC_QUEUE_LEN is 1000). */
export const initialOptions = (options: LinkOptions): LinkOptions => {
  if (options["sourceMACs"] !== undefined && options["mode"] !== "source") refuse("EINVAL")
  return { mode: "vepa", flags: [], bcqueuelen: 1000, ...options }
}

/** The kernel changes options of a living link one by one, but the mode neither to nor from passthru. */
export const changeOptions = (link: LinkState, kind: string, options: LinkOptions): void => {
  if (link.kind !== kind) refuse("EOPNOTSUPP")
  const { sourceMACs, ...others } = options
  if (others["mode"] !== undefined && isPassthru(others) !== isPassthru(link.options)) refuse("EINVAL")
  const { sourceMACs: before, ...kept } = { ...link.options, ...others }
  link.options = kept["mode"] === "source" && before !== undefined ? { ...kept, sourceMACs: before } : kept
  if (sourceMACs === undefined) return
  if (link.options["mode"] !== "source") refuse("EINVAL")
  link.options = { ...link.options, sourceMACs }
}

/** The options as the kernel reports them: the queue that is used is the longest that any link on the lower device wants. */
export const describeOptions = (machine: Machine, link: LinkState): LinkOptions => {
  const { lower } = link
  if (lower === undefined) return link.options
  const wanted = linksOn(machine, lower).map(({ options }) => Number(options["bcqueuelen"]))
  return { ...link.options, bcQueueLenUsed: Math.max(...wanted) }
}

/** The first link on a lower device notes that one's MAC address, since a passthru one changes it. */
export const joined = (link: LinkState): void => {
  const { lower } = link
  if (lower === undefined) return
  lower.ownMac ??= lower.mac
  if (isPassthru(link.options)) link.mac = lower.mac
}

/** The last one that leaves gives it back. */
export const left = (machine: Machine, link: LinkState): void => {
  const { lower } = link
  if (lower === undefined || linksOn(machine, lower).length > 0) return
  if (isPassthru(link.options) && lower.ownMac !== undefined) lower.mac = lower.ownMac
  delete lower.ownMac
}
