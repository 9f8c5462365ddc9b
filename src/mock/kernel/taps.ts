/**
 * Character devices of macvtaps. Their numbers come from one table for the host, lowest free first; their nodes lie in the
 * one devtmpfs under a name that is unique within a namespace only, so that a second link gets none, silently.
 */
import { refuse } from "./Refusal.ts"
import type { LinkState, Machine } from "./state.ts"

/** The major number is the kernel's choice at boot; this one was seen. */
const major = 246

export const nodePath = (index: number): string => `/dev/tap${index}`

export const deviceOf = (link: LinkState): string | undefined =>
  link.minor === undefined ? undefined : `${major}:${link.minor}`

export const allLinks = function* (machine: Machine): Generator<LinkState> {
  for (const netns of machine.netnses) yield* netns.links.values()
}

const lowestFreeMinor = (machine: Machine): number => {
  const used = new Set(Array.from(allLinks(machine), (link) => link.minor))
  for (let minor = 1; minor < 1 << 20; minor++) if (!used.has(minor)) return minor
  return refuse("ENOSPC")
}

/** The link has come into a namespace: it gets a number, and a node where the name is free. */
export const makeTap = (machine: Machine, link: LinkState): void => {
  if (link.kind !== "macvtap") return
  link.minor = lowestFreeMinor(machine)
  const path = nodePath(link.index)
  if (machine.devtmpfs?.has(path) === false) {
    machine.devtmpfs.set(path, { device: `${major}:${link.minor}`, owner: 0, group: 0, mode: 0o600 })
  }
}

/** The link leaves its namespace: devtmpfs removes the node only if it has the link's own number. */
export const removeTap = (machine: Machine, link: LinkState): void => {
  const path = nodePath(link.index)
  const device = deviceOf(link)
  if (device !== undefined && machine.devtmpfs?.get(path)?.device === device) machine.devtmpfs.delete(path)
  delete link.minor
}
