/** What the in-memory kernel remembers. Plain data that the model's functions change; nothing here decides anything. */

import type { Resources } from "../../devices/resources.ts"
import type { LinkOptions } from "../../link/Link.ts"

export interface AddressState {
  readonly family: 4 | 6
  readonly address: string
  readonly prefix: number
  /** Made by the kernel itself (link-local autoconfiguration, loopback): gone when the link goes down. */
  readonly auto: boolean
  /** Without detection (IPv6). */
  readonly nodad?: boolean
  /** Times that it is still to be listed as tentative (IPv6). */
  tentativeReads: number
}

export interface RouteState {
  readonly family: 4 | 6
  readonly dst: string
  readonly prefix: number
  readonly gw?: string
  readonly dev: LinkState
  readonly mtu?: number
  readonly advmss?: number
  /** 0 for IPv4 without a metric; the kernel's default for IPv6 is 1024. */
  readonly priority: number
  readonly table: number
  readonly scope: number
  /** The connected route of an address: protocol kernel. */
  readonly connected: boolean
  /** 2 the kernel, 3 `ip route add`. */
  readonly protocol: number
}

export interface LinkState {
  index: number
  name: string
  netns: NetnsState
  /** Absent: hardware, or the loopback link. */
  readonly kind?: string
  readonly loopback: boolean
  mac: string
  mtu: number
  readonly minMtu: number
  readonly maxMtu: number
  up: boolean
  promisc: boolean
  allmulti: boolean
  alias: string
  options: LinkOptions
  /** The real lower device of a macvlan or macvtap. */
  readonly lower?: LinkState
  /** The other end of a veth pair. */
  peer?: LinkState
  /** The bridge or bond that this link is a port of. */
  controller?: LinkState
  /** Whether hardware has a carrier; links on others ask those. */
  cable: boolean
  /** A lower device's own MAC address, kept while macvlans are on it: a passthru one may change it. */
  ownMac?: string
  /** The minor number of a tap's character device. */
  minor?: number
  /** Whether IPv6 knows the link. */
  ipv6: boolean
  /** Whether IPv6 has done what it does when a link comes up. */
  ipv6Started: boolean
  readonly addresses: Array<AddressState>
  /** Keys below `net/<family>/conf/<link>/`, as `ipv6/accept_ra`; only what is not the default. */
  readonly sysctls: Map<string, string>
}

export interface NetnsState {
  /** `<device>:<inode>` of the nsfs file. */
  readonly id: string
  readonly paths: Set<string>
  /** Open descriptors and sockets: they keep it alive when its last path is gone. */
  references: number
  readonly links: Map<number, LinkState>
  /** In the order in which they are listed. */
  routes: Array<RouteState>
  /** Whole keys: `net/ipv6/conf/all/disable_ipv6`; only what is not the default. */
  readonly sysctls: Map<string, string>
  /** The last ifindex that the kernel chose itself. */
  lastIndex: number
  /** Other namespaces by the number that this one knows them by. */
  readonly netnsids: Map<NetnsState, number>
}

export interface NodeState {
  /** `246:1`. */
  readonly device: string
  owner: number
  group: number
  mode: number
}

/** One address kept by an in-memory IPAM plugin. */
export interface Reservation {
  readonly network: string
  readonly containerID: string
  readonly ifname: string
  readonly addresses: ReadonlyArray<string>
}

export interface Machine {
  readonly host: NetnsState
  readonly netnses: Set<NetnsState>
  /** Files that are no namespaces, and what they are instead. */
  readonly files: Map<string, string>
  /** `/dev`, one for all namespaces; undefined where the plugin's `/dev` is no devtmpfs. */
  readonly devtmpfs: Map<string, NodeState> | undefined
  /** Whether a sysfs can be mounted. */
  readonly sysfs: boolean
  /** Link kinds that this kernel has. */
  readonly kinds: ReadonlySet<string>
  /** How often a new IPv6 address is listed as tentative before detection ends. */
  readonly tentativeReads: number
  /** IPv6 addresses that somebody else on the wire has. */
  readonly duplicates: ReadonlySet<string>
  readonly descriptors: Map<number, NetnsState>
  openSockets: number
  /** Namespaces that somebody has locked. */
  readonly locked: Set<NetnsState>
  lastDescriptor: number
  lastInode: number
  lastMac: number
  /** Called whenever a link has come, changed or gone. */
  readonly listeners: Set<() => void>
  /** By IPAM plugin type. */
  readonly reservations: Map<string, Array<Reservation>>
  /** The text of the node's policy file. */
  policy: string | undefined
  /** Claims of attachments on numbers of taps, by the number. */
  readonly claims: Map<string, { readonly alias: string; readonly netnsID: string; readonly netnsPath: string }>
  /** The kubelet's checkpoint: the pod's UID by device ID; undefined where there is no kubelet. */
  checkpoint: Map<string, string> | undefined
  /** The device plugin's: what it offers (`resources.json`), and the nodes of its own by their paths. */
  readonly stateFolder: { resources: Resources; readonly nodes: Map<string, NodeState> }
}
