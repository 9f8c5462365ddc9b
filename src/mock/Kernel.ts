/**
 * A kernel in memory for tests, demonstrations and properties: network namespaces, links, addresses, routes, sysctls,
 * tap nodes and IPAM plugins, behaving as Linux does (test/contract holds both to it). `mockLayer` gives its services.
 */
import { kinds } from "../link/kinds.ts"
import type { LogLevel } from "../services/LogService.ts"
import { type Moment, makeRequests, type Requests } from "./faults/requests.ts"
import { type DelegatePlugin, hostLocal } from "./hostLocal.ts"
import { removeLink } from "./kernel/links.ts"
import { addPath, findNetns, hostPaths, makeNetns, removePath } from "./kernel/namespaces.ts"
import { refuse } from "./kernel/Refusal.ts"
import type { Machine, NodeState } from "./kernel/state.ts"
import { settle } from "./network/autoconf.ts"
import { type Inside, inside, type LinkScene, placeLink } from "./scene.ts"
import { type Snapshot, takeSnapshot } from "./snapshot.ts"

export interface KernelOptions {
  /** false: the plugin's `/dev` is no devtmpfs ("kind" nodes), there are no tap nodes. */
  readonly devtmpfs?: boolean
  /** false: no sysfs can be mounted (EPERM), a link's device number cannot be asked. */
  readonly sysfs?: boolean
  /** Link kinds that the kernel can make; all that we have when left out. */
  readonly kinds?: ReadonlyArray<string>
  /** How many times a new IPv6 address is listed as tentative; 0 when left out. */
  readonly tentativeReads?: number
  /** IPv6 addresses that somebody else on the wire has: detection finds them. */
  readonly duplicates?: ReadonlyArray<string>
}

export interface LogLine {
  readonly level: LogLevel
  readonly line: string
}

export interface Kernel {
  /** The state itself, for the layers. */
  readonly machine: Machine
  readonly requests: Requests
  readonly plugins: Map<string, DelegatePlugin>
  /** What was logged, every level. */
  readonly logged: Array<LogLine>

  /** Everything there is, as plain data to compare. */
  readonly snapshot: () => Snapshot

  /** `ip netns add`: a namespace at that path, with a loopback link that is down. */
  readonly addNetns: (path: string) => void
  /** A second path to a namespace that is there. */
  readonly bindNetns: (path: string, existing: string) => void
  /** `ip netns del`: it ends when nothing holds it open. */
  readonly removeNetns: (path: string) => void
  /** Something at that path which is no namespace, in words: `a regular file`. */
  readonly addFile: (path: string, what: string) => void
  /** A link in the namespace at `netns`, the host's when left out. Hardware, or with `kind` one that is not on another. */
  readonly addLink: (link: LinkScene) => void
  /** Two ends of a cable. */
  readonly addVeth: (one: LinkScene, other: LinkScene) => void
  /** The link is gone, hardware too. */
  readonly removeLink: (netns: string | undefined, name: string) => void
  /** Makes the link a port of a bridge or bond; `undefined` frees it. */
  readonly enslave: (netns: string | undefined, name: string, controller: string | undefined) => void
  /** The cable of a hardware link is plugged in or pulled. */
  readonly setCarrier: (netns: string | undefined, name: string, carrier: boolean) => void
  /** A node in /dev that the kernel did not make: a stale one, say. */
  readonly addNode: (path: string, node: NodeState) => void
  /** The kernel's operations in a namespace, for what somebody else does there; refusals are thrown. */
  readonly inside: (netns?: string) => Inside

  /** The n-th request from now (1 is the next) is refused with this errno, and has no effect. */
  readonly failRequest: (n: number, errno: string) => void
  /** The fiber that makes the n-th request from now is interrupted, before or after the request has its effect. */
  readonly interruptRequest: (n: number, moment?: Moment) => void
  /** Called before each request with its number and name. */
  readonly onRequest: (hook: (n: number, operation: string) => void) => void
  /** Counts requests from zero again, and forgets faults. */
  readonly resetRequests: () => void
}

const makeMachine = (options: KernelOptions): Machine => {
  const host = makeNetns(4026531840)
  for (const path of hostPaths) host.paths.add(path)
  return {
    host,
    netnses: new Set([host]),
    files: new Map(),
    devtmpfs: options.devtmpfs === false ? undefined : new Map(),
    sysfs: options.sysfs ?? true,
    kinds: new Set(options.kinds ?? kinds.map(({ kind }) => kind)),
    tentativeReads: options.tentativeReads ?? 0,
    duplicates: new Set(options.duplicates),
    descriptors: new Map(),
    openSockets: 0,
    locked: new Set(),
    lastDescriptor: 2,
    lastInode: 4026532000,
    lastMac: 0,
    listeners: new Set(),
    reservations: new Map(),
    policy: undefined,
    claims: new Map(),
    checkpoint: undefined,
    stateFolder: { resources: {}, nodes: new Map() }
  }
}

/** A kernel whose host has a loopback link and nothing else. The IPAM plugin `host-local` is installed. */
export const makeKernel = (options: KernelOptions = {}): Kernel => {
  const machine = makeMachine(options)
  const requests = makeRequests()
  const netnsAt = (path: string | undefined) =>
    path === undefined ? machine.host : (findNetns(machine, path) ?? refuse("ENOENT"))
  const linkAt = (path: string | undefined, name: string) =>
    [...netnsAt(path).links.values()].find((link) => link.name === name) ?? refuse("ENODEV")

  return {
    machine,
    requests,
    plugins: new Map([["host-local", hostLocal]]),
    logged: [],
    snapshot: () => takeSnapshot(machine),

    addNetns: (path) => void addPath(machine, path),
    bindNetns: (path, existing) => void addPath(machine, path, netnsAt(existing)),
    removeNetns: (path) => removePath(machine, path),
    addFile: (path, what) => void machine.files.set(path, what),
    addLink: (scene) => {
      placeLink(machine, netnsAt(scene.netns), scene)
      settle(machine)
    },
    addVeth: (one, other) => {
      const first = placeLink(machine, netnsAt(one.netns), { kind: "veth", ...one })
      const second = placeLink(machine, netnsAt(other.netns), { kind: "veth", ...other })
      first.peer = second
      second.peer = first
      settle(machine)
    },
    removeLink: (netns, name) => {
      removeLink(machine, linkAt(netns, name))
      settle(machine)
    },
    enslave: (netns, name, controller) => {
      const link = linkAt(netns, name)
      if (controller === undefined) delete link.controller
      else link.controller = linkAt(netns, controller)
    },
    setCarrier: (netns, name, carrier) => {
      linkAt(netns, name).cable = carrier
      settle(machine)
    },
    addNode: (path, node) => void machine.devtmpfs?.set(path, { ...node }),
    inside: (netns) => inside(machine, netnsAt(netns)),

    failRequest: (n, errno) => void requests.faults.set(requests.count + n, { _tag: "Refused", errno }),
    interruptRequest: (n, moment = "before") =>
      void requests.faults.set(requests.count + n, { _tag: "Interrupted", moment }),
    onRequest: (hook) => {
      requests.hook = hook
    },
    resetRequests: () => {
      requests.count = 0
      requests.log.length = 0
      requests.faults.clear()
    }
  }
}
