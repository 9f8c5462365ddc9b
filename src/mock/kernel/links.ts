/** `ip link add` and `ip link del`: the kernel's rules for making and removing links (net/core/rtnetlink.c). */
import type { LinkSpec } from "../../link/LinkSpec.ts"
import { veth } from "../../link/veth.ts"
import { forgetAddresses, settle } from "../network/autoconf.ts"
import { closeLink, setFlags } from "./flags.ts"
import { chooseIndex, randomMac } from "./lookup.ts"
import { initialOptions, joined, left, linksOn, lowerOf, mayJoin, validateMac } from "./macvlan.ts"
import { freeName } from "./names.ts"
import { newLink } from "./newLink.ts"
import { checkMtu, checkSettings } from "./policy.ts"
import { refuse } from "./Refusal.ts"
import type { LinkState, Machine, NetnsState } from "./state.ts"
import { makeTap, removeTap } from "./taps.ts"

/** `ip link add`; `netns` is the socket's, the new link's own unless the request names another. */
export const addLink = (machine: Machine, netns: NetnsState, target: NetnsState, spec: LinkSpec): void => {
  checkSettings(spec)
  if (spec.mac !== undefined) validateMac(spec.mac)
  if (spec.index !== undefined && spec.index < 0) refuse("EINVAL", "ifindex can't be negative")
  const taken = spec.index
    ? target.links.has(spec.index)
    : [...target.links.values()].some(({ name }) => name === spec.name)
  if (taken) refuse("EEXIST")
  if (spec.kind.kind === veth.kind) {
    addVeth(machine, target, spec)
    return
  }
  if (!machine.kinds.has(spec.kind.kind)) refuse("EOPNOTSUPP", "Unknown device type")
  if (spec.mtu !== undefined) checkMtu(spec.mtu, 68, 65535)
  const parent = netns.links.get(spec.parent ?? 0) ?? refuse("ENODEV")
  const lower = lowerOf(parent)
  if (spec.mtu !== undefined && spec.mtu > lower.mtu) refuse("EINVAL")
  mayJoin(machine, lower, spec.options ?? {})
  const options = initialOptions(spec.options ?? {})
  const name = freeName(target, spec.name)
  // IFLA_IFALIAS of a creating request is ignored by the kernel, without a word.
  const link = newLink({
    index: spec.index || chooseIndex(target),
    name,
    netns: target,
    kind: spec.kind.kind,
    mac: spec.mac ?? randomMac(machine),
    mtu: spec.mtu ?? lower.mtu,
    maxMtu: lower.maxMtu,
    options,
    lower
  })
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

/** Both ends in one namespace; the kernel names the other. */
const addVeth = (machine: Machine, netns: NetnsState, spec: LinkSpec): void => {
  const end = (name: string, index: number): LinkState => {
    const link = newLink({ index, name: freeName(netns, name), netns, kind: veth.kind, mac: randomMac(machine) })
    netns.links.set(index, link)
    return link
  }
  const one = end(spec.name, spec.index || chooseIndex(netns))
  const other = end("veth%d", chooseIndex(netns))
  one.peer = other
  other.peer = one
  setFlags(machine, one, spec)
  settle(machine)
}

/** The link is no more, nor are those on it, nor a veth's other end. */
export const removeLink = (machine: Machine, link: LinkState): void => {
  for (const other of linksOn(machine, link)) removeLink(machine, other)
  for (const other of link.netns.links.values()) if (other.controller === link) delete other.controller
  closeLink(link)
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
