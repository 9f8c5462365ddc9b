/** Network namespaces: how they begin, are found, held, and end. */
import { settle } from "../network/autoconf.ts"
import { removeLink } from "./links.ts"
import { chooseIndex } from "./lookup.ts"
import { newLink } from "./newLink.ts"
import { refuse } from "./Refusal.ts"
import type { LinkState, Machine, NetnsState } from "./state.ts"

/** The device number of nsfs. */
const nsfs = 4

/** Those of this process: the host's. */
export const hostPaths = ["/proc/self/ns/net", "/proc/thread-self/ns/net", "/proc/1/ns/net"]

export const makeNetns = (inode: number): NetnsState => {
  const netns: NetnsState = {
    id: `${nsfs}:${inode}`,
    paths: new Set(),
    references: 0,
    links: new Map(),
    routes: [],
    sysctls: new Map(),
    lastIndex: 1,
    netnsids: new Map()
  }
  const lo = newLink({
    index: 1,
    name: "lo",
    netns,
    loopback: true,
    mac: "00:00:00:00:00:00",
    mtu: 65536,
    minMtu: 0,
    maxMtu: 0,
    ipv6: true
  })
  netns.links.set(lo.index, lo)
  return netns
}

/** `/var/run` is a link to `/run`. */
const resolvePath = (path: string): string => path.replace(/^\/var\/run\//, "/run/").replace(/\/{2,}/g, "/")

export const findNetns = (machine: Machine, path: string): NetnsState | undefined =>
  [...machine.netnses].find((netns) => netns.paths.has(resolvePath(path)))

/** One path for each namespace that can be found, the names of `ip netns` first. */
export const listNetnses = (machine: Machine): ReadonlyArray<string> => {
  const best = (netns: NetnsState) => {
    const paths = [...netns.paths].filter((path) => !/^\/proc\/(thread-)?self\//.test(path))
    return paths.find((path) => path.startsWith("/run/netns/")) ?? paths[0]
  }
  const found = [...machine.netnses].map(best).filter((path) => path !== undefined)
  return [
    ...found.filter((path) => path.startsWith("/run/netns/")),
    ...found.filter((path) => !path.startsWith("/run/netns/"))
  ]
}

/** `ip netns add` (a path of its own), or one more path to a namespace that is there. */
export const addPath = (machine: Machine, path: string, existing?: NetnsState): NetnsState => {
  const resolved = resolvePath(path)
  if (findNetns(machine, resolved) !== undefined || machine.files.has(resolved)) return refuse("EEXIST")
  const netns = existing ?? makeNetns(++machine.lastInode)
  netns.paths.add(resolved)
  machine.netnses.add(netns)
  return netns
}

/** Ends the namespace once nothing holds it: hardware goes back to the host, all other links are destroyed. */
export const endIfUnheld = (machine: Machine, netns: NetnsState): void => {
  if (netns.paths.size > 0 || netns.references > 0 || !machine.netnses.has(netns)) return
  for (const link of [...netns.links.values()]) {
    if (link.loopback) continue
    if (link.kind === undefined) returnHardware(machine, link)
    else removeLink(machine, link)
  }
  machine.netnses.delete(netns)
  for (const other of machine.netnses) other.netnsids.delete(netns)
  settle(machine)
}

const returnHardware = ({ host }: Machine, link: LinkState): void => {
  link.netns.links.delete(link.index)
  if (host.links.has(link.index)) link.index = chooseIndex(host)
  link.netns = host
  link.up = false
  host.links.set(link.index, link)
}

/** The path is no more; the namespace lives on while something else holds it. */
export const removePath = (machine: Machine, path: string): void => {
  const netns = findNetns(machine, path) ?? refuse("ENOENT")
  netns.paths.delete(resolvePath(path))
  endIfUnheld(machine, netns)
}

/** A file descriptor on the namespace. */
export const openDescriptor = (machine: Machine, netns: NetnsState): number => {
  const fd = ++machine.lastDescriptor
  machine.descriptors.set(fd, netns)
  netns.references++
  return fd
}

export const closeDescriptor = (machine: Machine, fd: number): void => {
  const netns = machine.descriptors.get(fd)
  if (netns === undefined) return
  machine.descriptors.delete(fd)
  netns.references--
  endIfUnheld(machine, netns)
}

export const netnsOfDescriptor = (machine: Machine, fd: number): NetnsState =>
  machine.descriptors.get(fd) ?? refuse("EBADF")
