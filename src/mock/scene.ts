/** What a test finds there: links that nobody asked the plugin to make, and what somebody else does behind its back. */
import type { Address } from "../link/Address.ts"
import type { Link } from "../link/Link.ts"
import type { LinkChange, LinkSpec } from "../link/LinkSpec.ts"
import type { Route } from "../link/Route.ts"
import { familyOf } from "../wire/ip.ts"
import { setLink } from "./kernel/changeLink.ts"
import { addLink, deleteLink } from "./kernel/links.ts"
import { chooseIndex, describeLink, findLink, randomMac } from "./kernel/lookup.ts"
import { freeName } from "./kernel/names.ts"
import { newLink } from "./kernel/newLink.ts"
import { refuse } from "./kernel/Refusal.ts"
import type { LinkState, Machine, NetnsState } from "./kernel/state.ts"
import { addAddress, listAddresses, removeAddress } from "./network/addresses.ts"
import { settle, wentUp } from "./network/autoconf.ts"
import { addRoute, listRoutes, removeRoute } from "./network/routes.ts"
import { readSysctl, writeSysctl } from "./network/sysctls.ts"

export interface LinkScene {
  /** Path of its namespace; the host's when left out. */
  readonly netns?: string
  readonly name: string
  /** `bridge`, `dummy`, `veth` …; absent: hardware. */
  readonly kind?: string
  readonly index?: number
  readonly mac?: string
  /** Bytes, 1500 when left out. */
  readonly mtu?: number
  /** true when left out. */
  readonly up?: boolean
  readonly alias?: string
}

/** Puts a link there that has none below it. */
export const placeLink = (machine: Machine, netns: NetnsState, scene: LinkScene): LinkState => {
  if (scene.index !== undefined && netns.links.has(scene.index)) refuse("EEXIST")
  const link = newLink({
    index: scene.index ?? chooseIndex(netns),
    name: freeName(netns, scene.name),
    netns,
    ...(scene.kind === undefined ? {} : { kind: scene.kind }),
    mac: scene.mac ?? randomMac(machine),
    mtu: scene.mtu ?? 1500,
    up: scene.up ?? true,
    alias: scene.alias ?? ""
  })
  netns.links.set(link.index, link)
  if (link.up) wentUp(link)
  return link
}

/** A namespace's operations without a service around them: synchronous, not counted as requests, refusals thrown. */
export interface Inside {
  readonly link: (link: string | number) => Link
  readonly links: () => ReadonlyArray<Link>
  readonly linkAdd: (spec: Omit<LinkSpec, "netns">) => void
  readonly linkSet: (link: string | number, change: Omit<LinkChange, "netns" | "newIndex">) => void
  readonly linkDel: (link: string | number) => void
  readonly addresses: (link: string | number) => ReadonlyArray<Address>
  readonly addressAdd: (link: string | number, address: Address) => void
  readonly addressDel: (link: string | number, address: string, prefix: number) => void
  readonly routes: () => ReadonlyArray<Route>
  readonly routeAdd: (route: Route) => void
  /** The first of that destination, in whichever table. */
  readonly routeDel: (dst: string, prefix: number) => void
  readonly sysctl: (key: string) => string
  readonly sysctlSet: (key: string, value: string) => void
}

export const inside = (machine: Machine, netns: NetnsState): Inside => {
  const indexOf = (link: string | number) => findLink(netns, link).index
  return {
    link: (link) => describeLink(machine, findLink(netns, link)),
    links: () => Array.from(netns.links.values(), (link) => describeLink(machine, link)),
    linkAdd: (spec) => addLink(machine, netns, netns, spec),
    linkSet: (link, change) => setLink(machine, netns, indexOf(link), change, undefined),
    linkDel: (link) => deleteLink(machine, netns, indexOf(link)),
    addresses: (link) => listAddresses(machine, netns, indexOf(link)),
    addressAdd: (link, address) => addAddress(machine, netns, indexOf(link), address),
    addressDel: (link, address, prefix) => removeAddress(netns, indexOf(link), address, prefix),
    routes: () => listRoutes(netns),
    routeAdd: (route) => addRoute(netns, route),
    routeDel: (dst, prefix) => {
      const found = listRoutes(netns).find((route) => route.dst === dst && route.prefix === prefix)
      removeRoute(netns, found ?? { family: familyOf(dst), dst, prefix })
    },
    sysctl: (key) => readSysctl(netns, key),
    sysctlSet: (key, value) => {
      writeSysctl(netns, key, value)
      settle(machine)
    }
  }
}
