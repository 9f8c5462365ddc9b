/** `ip link`: the kernel's rules for looking up, making, changing, moving and removing links (net/core/rtnetlink.c). */
import type { Link } from "../link/Link.ts"
import type { LinkChange, LinkSettings, LinkSpec } from "../services/NetlinkService.ts"
import { forgetAddresses, isRunning, settle, wentDown, wentUp } from "./autoconf.ts"
import {
  changeOptions,
  describeOptions,
  initialOptions,
  isMacvlan,
  joined,
  left,
  linksOn,
  lowerOf,
  mayJoin,
  mayOpen,
  setMac,
  validateMac
} from "./macvlan.ts"
import { freeName } from "./names.ts"
import { refuse } from "./Refusal.ts"
import type { LinkState, Machine, NetnsState } from "./state.ts"
import { makeTap, removeTap } from "./taps.ts"

/** IFALIASZ - 1 */
const longestAlias = 255

/** The link of that name or ifindex, or ENODEV. */
export const findLink = (netns: NetnsState, link: string | number): LinkState => {
  if (typeof link === "number") return netns.links.get(link) ?? refuse("ENODEV")
  return [...netns.links.values()].find(({ name }) => name === link) ?? refuse("ENODEV")
}

const checkLength = (name: string): void => {
  if (Buffer.byteLength(name) > 15) refuse("ERANGE", "Attribute failed policy validation")
}

/** What the attribute policy and the kind say before anything is looked at. */
const checkSettings = ({ name, alias }: LinkSettings): void => {
  if (name !== undefined) checkLength(name)
  if (alias !== undefined && Buffer.byteLength(alias) > longestAlias)
    refuse("ERANGE", "Attribute failed policy validation")
}

const checkMtu = (mtu: number, min: number, max: number): void => {
  if (mtu < min || mtu > 0x7fffffff) refuse("EINVAL", "mtu less than device minimum")
  if (max > 0 && mtu > max) refuse("EINVAL", "mtu greater than device maximum")
}

/** The number by which `netns` knows `other`: the lowest free one, given at the first time that it is asked for. */
const netnsidOf = (netns: NetnsState, other: NetnsState): number => {
  const known = netns.netnsids.get(other)
  if (known !== undefined) return known
  const used = new Set(netns.netnsids.values())
  let id = 0
  while (used.has(id)) id++
  netns.netnsids.set(other, id)
  return id
}

/** The link as RTM_NEWLINK describes it to a socket in its namespace. */
export const describeLink = (machine: Machine, link: LinkState): Link => {
  const parent = link.lower ?? link.peer
  return {
    index: link.index,
    name: link.name,
    mac: link.mac,
    mtu: link.mtu,
    minMtu: link.minMtu,
    maxMtu: link.maxMtu,
    up: link.up,
    running: isRunning(link),
    promisc: link.promisc,
    allmulti: link.allmulti,
    options: describeOptions(machine, link),
    ...(link.kind === undefined ? {} : { kind: link.kind }),
    ...(link.alias === "" ? {} : { alias: link.alias }),
    ...(link.controller === undefined ? {} : { controller: link.controller.index }),
    ...(parent === undefined
      ? {}
      : {
          parent: {
            index: parent.index,
            ...(parent.netns === link.netns ? {} : { netnsid: netnsidOf(link.netns, parent.netns) })
          }
        })
  }
}

/** An ifindex that the namespace does not use: one higher than the last that was chosen. */
export const chooseIndex = (netns: NetnsState): number => {
  do netns.lastIndex++
  while (netns.links.has(netns.lastIndex))
  return netns.lastIndex
}

/** Locally administered, never the same twice. */
export const randomMac = (machine: Machine): string => {
  const n = ++machine.lastMac
  return `62:d1:${[24, 16, 8, 0].map((shift) => ((n >>> shift) & 0xff).toString(16).padStart(2, "0")).join(":")}`
}

/** `ip link set <link> up` */
const open = (machine: Machine, link: LinkState): void => {
  if (link.up) return
  mayOpen(machine, link)
  link.up = true
  wentUp(link)
}

/** `ip link set <link> down` */
const close = (link: LinkState): void => {
  if (!link.up) return
  link.up = false
  wentDown(link)
}

/** Promiscuous and allmulticast are set even where going up is refused. */
const setFlags = (machine: Machine, link: LinkState, { up, promisc, allmulti }: LinkSettings): void => {
  link.promisc = promisc ?? link.promisc
  link.allmulti = allmulti ?? link.allmulti
  if (up === true) open(machine, link)
  if (up === false) close(link)
}

/** `ip link add`; `netns` is the socket's, the new link's own unless the request names another. */
export const addLink = (machine: Machine, netns: NetnsState, target: NetnsState, spec: LinkSpec): void => {
  checkSettings(spec)
  if (spec.mac !== undefined) validateMac(spec.mac)
  if (spec.index !== undefined && spec.index < 0) refuse("EINVAL", "ifindex can't be negative")
  const taken = spec.index
    ? target.links.has(spec.index)
    : [...target.links.values()].some(({ name }) => name === spec.name)
  if (taken) refuse("EEXIST")
  if (!machine.kinds.has(spec.kind.kind)) refuse("EOPNOTSUPP", "Unknown device type")
  if (spec.mtu !== undefined) checkMtu(spec.mtu, 68, 65535)
  const parent = netns.links.get(spec.parent) ?? refuse("ENODEV")
  const lower = lowerOf(parent)
  if (spec.mtu !== undefined && spec.mtu > lower.mtu) refuse("EINVAL")
  mayJoin(machine, lower, spec.options ?? {})
  const options = initialOptions(spec.options ?? {})
  const name = freeName(target, spec.name, "EEXIST")
  const link: LinkState = {
    index: spec.index || chooseIndex(target),
    name,
    netns: target,
    kind: spec.kind.kind,
    loopback: false,
    mac: spec.mac ?? randomMac(machine),
    mtu: spec.mtu ?? lower.mtu,
    minMtu: 68,
    maxMtu: lower.maxMtu,
    up: false,
    promisc: false,
    allmulti: false,
    // IFLA_IFALIAS of a creating request is ignored by the kernel, without a word.
    alias: "",
    options,
    lower,
    cable: true,
    ipv6Started: false,
    addresses: [],
    sysctls: new Map()
  }
  joined(link)
  makeTap(machine, link)
  target.links.set(link.index, link)
  try {
    setFlags(machine, link, spec)
  } catch (refusal) {
    removeLink(machine, link)
    throw refusal
  }
  settle(machine)
}

/** Into another namespace. The link goes down, and keeps name and ifindex where both are free there. */
const move = (
  machine: Machine,
  link: LinkState,
  target: NetnsState,
  name: string | undefined,
  index: number | undefined
): void => {
  if (link.netns === target) return
  if (link.loopback) refuse("EINVAL", "The interface netns is immutable")
  const isFree = ![...target.links.values()].some((other) => other.name === link.name)
  if (!isFree && !name) refuse("EEXIST", "An interface with the same name exists in the target netns")
  const newName = isFree
    ? link.name
    : freeName(target, name ?? "", "EEXIST", `Unable to use '${name}' for the new interface name in the target netns`)
  if (index !== undefined && target.links.has(index)) {
    refuse("EBUSY", `The ifindex ${index} is not available in the target netns`)
  }
  close(link)
  removeTap(machine, link)
  forgetAddresses(link)
  link.netns.links.delete(link.index)
  delete link.controller
  link.name = newName
  link.index = index ?? (target.links.has(link.index) ? chooseIndex(target) : link.index)
  link.netns = target
  target.links.set(link.index, link)
  makeTap(machine, link)
}

const setMtu = (machine: Machine, link: LinkState, mtu: number): void => {
  if (link.mtu === mtu) return
  checkMtu(mtu, link.minMtu, link.maxMtu)
  if (link.lower !== undefined && mtu > link.lower.mtu) refuse("EINVAL")
  link.mtu = mtu
  // Links on it never have more, and do not get it back.
  for (const other of linksOn(machine, link)) other.mtu = Math.min(other.mtu, mtu)
}

const rename = (link: LinkState, name: string): void => {
  if (name === "" || name === link.name) return
  link.name = freeName(link.netns, name, "EEXIST")
}

/** `ip link set`: attribute by attribute; what was done before the refused one stays done. */
export const setLink = (
  machine: Machine,
  netns: NetnsState,
  index: number,
  change: LinkChange,
  target: NetnsState | undefined
): void => {
  checkSettings(change)
  if (change.newIndex !== undefined && change.newIndex < 1) refuse("ERANGE", "integer out of range")
  const link = netns.links.get(index) ?? refuse("ENODEV")
  try {
    if (change.options !== undefined && change.kind !== undefined && isMacvlan(change.kind.kind)) {
      if (change.mac !== undefined) validateMac(change.mac)
      if (Object.keys(change.options).length > 0) changeOptions(link, change.kind.kind, change.options)
    }
    if (target !== undefined) move(machine, link, target, change.name, change.newIndex)
    if (change.mac !== undefined) setMac(machine, link, change.mac)
    if (change.mtu !== undefined) setMtu(machine, link, change.mtu)
    if (change.name !== undefined) rename(link, change.name)
    if (change.alias !== undefined) link.alias = change.alias
    setFlags(machine, link, change)
  } finally {
    settle(machine)
  }
}

/** The link is no more, nor are those on it, nor a veth's other end. */
export const removeLink = (machine: Machine, link: LinkState): void => {
  for (const other of linksOn(machine, link)) removeLink(machine, other)
  for (const other of link.netns.links.values()) if (other.controller === link) delete other.controller
  close(link)
  removeTap(machine, link)
  forgetAddresses(link)
  link.netns.links.delete(link.index)
  left(machine, link)
  const { peer } = link
  if (peer !== undefined) {
    delete link.peer
    delete peer.peer
    removeLink(machine, peer)
  }
}

/** `ip link del` */
export const deleteLink = (machine: Machine, netns: NetnsState, index: number): void => {
  if (index === 0) refuse("EINVAL")
  const link = netns.links.get(index) ?? refuse("ENODEV")
  if (link.kind === undefined) refuse("EOPNOTSUPP")
  removeLink(machine, link)
  settle(machine)
}
