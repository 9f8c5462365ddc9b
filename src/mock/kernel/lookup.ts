/** Links as they are found, named, numbered and described. */
import type { Link } from "../../link/Link.ts"
import { isRunning } from "../network/autoconf.ts"
import { describeOptions } from "./macvlan.ts"
import { refuse } from "./Refusal.ts"
import type { LinkState, Machine, NetnsState } from "./state.ts"

/** The link of that name or ifindex, or ENODEV. */
export const findLink = (netns: NetnsState, link: string | number): LinkState => {
  if (typeof link === "number") return netns.links.get(link) ?? refuse("ENODEV")
  return [...netns.links.values()].find(({ name }) => name === link) ?? refuse("ENODEV")
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
