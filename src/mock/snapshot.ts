/**
 * All that the kernel remembers, as plain data: two snapshots are equal if nothing that anyone could notice differs. What
 * only steers later choices (the next ifindex, the next random MAC) is not in it.
 */
import type { LinkOptions } from "../link/Link.ts"
import type { LinkState, Machine, NetnsState, NodeState, Reservation, RouteState } from "./kernel/state.ts"
import { deviceOf } from "./kernel/taps.ts"
import { isRunning } from "./network/autoconf.ts"

export interface LinkSnapshot {
  readonly index: number
  readonly name: string
  readonly kind: string | undefined
  readonly mac: string
  readonly mtu: number
  readonly flags: ReadonlyArray<string>
  readonly alias: string
  readonly options: LinkOptions
  /** `<netns id>/<ifindex>` of the lower device, of a veth's other end, and of the bridge or bond. */
  readonly lower: string | undefined
  readonly peer: string | undefined
  readonly controller: string | undefined
  /** The tap's own device number, whatever nodes there are. */
  readonly device: string | undefined
  readonly addresses: ReadonlyArray<string>
  readonly sysctls: Readonly<Record<string, string>>
}

export interface NetnsSnapshot {
  readonly paths: ReadonlyArray<string>
  readonly links: ReadonlyArray<LinkSnapshot>
  /** `10.1.0.0/24 dev net1 table 254 scope 253`, sorted. */
  readonly routes: ReadonlyArray<string>
  readonly sysctls: Readonly<Record<string, string>>
}

export interface Snapshot {
  /** By id. */
  readonly namespaces: Readonly<Record<string, NetnsSnapshot>>
  /** By path. */
  readonly nodes: Readonly<Record<string, NodeState>>
  /** The nodes in the device plugin's folder, by path. */
  readonly ownNodes: Readonly<Record<string, NodeState>>
  /** Attachments that may open a number, by the number. */
  readonly claims: Readonly<Record<string, string>>
  /** By IPAM plugin; plugins that keep nothing are left out. */
  readonly reservations: Readonly<Record<string, ReadonlyArray<Reservation>>>
  /** Descriptors of namespaces, and sockets: what is left here has leaked. */
  readonly openHandles: { readonly namespaces: number; readonly sockets: number }
}

const sorted = <A>(entries: Iterable<readonly [string, A]>): Record<string, A> =>
  Object.fromEntries([...entries].sort(([a], [b]) => (a < b ? -1 : 1)))

const nameOf = (link: LinkState | undefined): string | undefined => link && `${link.netns.id}/${link.index}`

const describeRoute = (route: RouteState): string =>
  [
    `${route.dst}/${route.prefix}`,
    route.gw === undefined ? "" : `via ${route.gw}`,
    `dev ${route.dev.name} table ${route.table} scope ${route.scope} metric ${route.priority}`,
    route.mtu === undefined ? "" : `mtu ${route.mtu}`,
    route.advmss === undefined ? "" : `advmss ${route.advmss}`,
    route.connected ? "proto kernel" : route.protocol === 3 ? "" : `proto ${route.protocol}`
  ]
    .filter((part) => part !== "")
    .join(" ")

const linkSnapshot = (link: LinkState): LinkSnapshot => ({
  index: link.index,
  name: link.name,
  kind: link.kind,
  mac: link.mac,
  mtu: link.mtu,
  flags: [
    link.up ? "up" : "",
    isRunning(link) ? "running" : "",
    link.promisc ? "promisc" : "",
    link.allmulti ? "allmulti" : ""
  ].filter((flag) => flag !== ""),
  alias: link.alias,
  options: { ...link.options },
  lower: nameOf(link.lower),
  peer: nameOf(link.peer),
  controller: nameOf(link.controller),
  device: deviceOf(link),
  addresses: link.addresses.map(({ address, prefix }) => `${address}/${prefix}`),
  sysctls: sorted(link.sysctls)
})

const netnsSnapshot = (netns: NetnsState): NetnsSnapshot => ({
  paths: [...netns.paths].sort(),
  links: [...netns.links.values()].sort((a, b) => a.index - b.index).map(linkSnapshot),
  routes: netns.routes.map(describeRoute).sort(),
  sysctls: sorted(netns.sysctls)
})

export const takeSnapshot = (machine: Machine): Snapshot => ({
  namespaces: sorted(Array.from(machine.netnses, (netns) => [netns.id, netnsSnapshot(netns)])),
  nodes: sorted(Array.from(machine.devtmpfs ?? [], ([path, node]) => [path, { ...node }])),
  ownNodes: sorted(Array.from(machine.stateFolder.nodes, ([path, node]) => [path, { ...node }])),
  claims: sorted(Array.from(machine.claims, ([number, { alias }]) => [number, alias])),
  reservations: sorted(
    Array.from(machine.reservations, ([type, list]) => [type, list.map((one) => ({ ...one }))] as const).filter(
      ([, list]) => list.length > 0
    )
  ),
  openHandles: { namespaces: machine.descriptors.size, sockets: machine.openSockets }
})
