/** What nobody needs any more: told by the doctor, and taken away by uninstall. */
import { basename, join } from "node:path"
import * as Effect from "effect/Effect"
import { deviceIndex, parseDeviceID } from "../../devices/deviceID.ts"
import { nodeFolder } from "../../devices/resources.ts"
import { standaloneDevice } from "../../devices/standalone.ts"
import { formatDeviceNumber } from "../../wire/deviceNumber.ts"
import type { Allotments, AllottedDevice } from "../records/allotments.ts"
import type { Ownership } from "../records/owners.ts"
import { recordOf } from "../records/records.ts"
import { readFolder, readTarget, statFile, statLink } from "./files.ts"
import type { FoundLink, Inventory } from "./inventory.ts"
import { probeSocket } from "./socket.ts"
import { temporaries } from "./temporaries.ts"

/**
 * Links of ours that no container has any more: in the host's namespace, where an attachment never stays, or in one
 * that no process is in and whose attachment no runtime remembers.
 */
export const staleLinks = (
  root: string,
  { links, records }: Inventory,
  used = inhabited(root)
): ReadonlyArray<OwnedLink> =>
  links
    .filter(isOwned)
    .filter(
      ({ ownership: { owner, knownBy }, inHost, netnsId }) =>
        inHost || (!used.has(netnsId) && knownBy === "alias" && recordOf(records, owner) === undefined)
    )

/**
 * Identities (`<device>:<inode>`) of the namespaces that a process is in: a pod that lives has at least its pause. The
 * node's processes are asked for below its root, where its /proc is there; else our own /proc has to do.
 */
const inhabited = (root: string): ReadonlySet<string> => {
  const below = join(root, "proc")
  const proc = statFile(join(below, "1")) === undefined ? "/proc" : below
  const found = new Set<string>()
  for (const { name } of readFolder(proc).filter((entry) => /^[0-9]+$/.test(entry.name))) {
    try {
      const stats = statFile(join(proc, name, "ns/net"))
      if (stats !== undefined) found.add(`${stats.dev}:${stats.ino}`)
    } catch {
      // Another user's, or gone meanwhile.
    }
  }
  return found
}

export type OwnedLink = FoundLink & { readonly ownership: Ownership }

/** Whether the link is somebody's attachment. */
export const isOwned = (link: FoundLink): link is OwnedLink => link.ownership !== undefined

/** Links of the host's namespace that our device plugin made, for "standalone" resources. */
export const standaloneLinks = ({ links }: Inventory): ReadonlyArray<FoundLink> =>
  links.filter(({ inHost, link }) => inHost && standaloneDevice(link) !== undefined)

/** Links of the host's namespace that kubevirt/macvtap-cni's device plugin made: it writes no alias. */
export const foreignDeviceLinks = ({ links }: Inventory): ReadonlyArray<FoundLink> =>
  links.filter(
    ({ inHost, link }) =>
      inHost &&
      link.kind === "macvtap" &&
      link.alias === undefined &&
      (/^mvt[0-9a-f]{12}$/.test(link.name) || parseDeviceID(link.name) !== undefined)
  )

/**
 * Our own nodes of devices whose link is gone and that no pod has any more. One of a pod that still has its device is no
 * leftover, since it keeps the number that the pod may open from other links; so it stays too where that cannot be known.
 */
export const staleNodes = (state: string, { devices, problem }: Allotments): ReadonlyArray<string> =>
  problem !== undefined
    ? []
    : linklessNodes(state).filter((path) => !devices.some(({ deviceID }) => deviceID === basename(path)))

/** Devices that pods still have and whose links are gone, mostly with their lower device. */
export const lostDevices = (state: string, { devices }: Allotments): ReadonlyArray<AllottedDevice> => {
  const linkless = linklessNodes(state).map((path) => basename(path))
  return devices.filter(({ deviceID }) => linkless.includes(deviceID))
}

/** What begins with a dot is being made. */
const linklessNodes = (state: string): ReadonlyArray<string> =>
  readFolder(nodeFolder(state))
    .filter(({ name }) => !name.startsWith("."))
    .map(({ name }) => join(nodeFolder(state), name))
    .filter(isStaleNode)

/**
 * Whether a node leads to nobody, or to another device's link: the kernel names a number's device after its ifindex, and
 * shows it in every namespace, `/sys/dev/char/246:1` → `../../devices/virtual/net/net1/macvtap/tap600000001`.
 */
export const isStaleNode = (path: string): boolean => {
  const id = parseDeviceID(basename(path))
  const stats = statLink(path)
  if (id === undefined || stats?.isCharacterDevice() !== true) return true
  return !readTarget(`/sys/dev/char/${formatDeviceNumber(stats.rdev)}`)?.endsWith(`/tap${deviceIndex(id)}`)
}

/** Sockets of our device plugin, and whether it answers there. */
export const ourSockets = Effect.fn("ourSockets")(function* (root: string, kubelet: string) {
  const sockets: Array<{ readonly path: string; readonly answers: boolean }> = []
  for (const { name } of readFolder(join(root, kubelet)).filter(
    (entry) => entry.isSocket() && /^macvtap-.*\.sock$/.test(entry.name)
  )) {
    const path = join(root, kubelet, name)
    sockets.push({ path, answers: (yield* probeSocket(path)) === undefined })
  }
  return sockets
})

/** What installations that were killed have left. */
export const staleTemporaries = (root: string, folders: ReadonlyArray<string>): ReadonlyArray<string> =>
  folders.flatMap((folder) => temporaries(join(root, folder)))
