/** `ip link set`: changes of a link that is there, and its moves. */
import type { LinkChange } from "../../link/LinkSpec.ts"
import { forgetAddresses, mtuChanged, settle } from "../network/autoconf.ts"
import { closeLink, setFlags } from "./flags.ts"
import { chooseIndex } from "./lookup.ts"
import { changeOptions, isMacvlan, linksOn, setMac, validateMac } from "./macvlan.ts"
import { freeName } from "./names.ts"
import { checkMtu, checkSettings } from "./policy.ts"
import { refuse } from "./Refusal.ts"
import type { LinkState, Machine, NetnsState } from "./state.ts"
import { makeTap, removeTap } from "./taps.ts"

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
    : freeName(target, name ?? "", `Unable to use '${name}' for the new interface name in the target netns`)
  if (index !== undefined && target.links.has(index)) {
    refuse("EBUSY", `The ifindex ${index} is not available in the target netns`)
  }
  closeLink(link)
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
  mtuChanged(link)
  // Links on it never have more, and do not get it back.
  for (const other of linksOn(machine, link)) if (other.mtu > mtu) setMtu(machine, other, mtu)
}

const rename = (link: LinkState, name: string): void => {
  if (name === "" || name === link.name) return
  link.name = freeName(link.netns, name)
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
