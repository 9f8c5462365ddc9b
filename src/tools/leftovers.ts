/** What nobody needs any more: told by the doctor, and taken away by uninstall. */
import { join } from "node:path"
import * as Effect from "effect/Effect"
import { deviceName } from "../cni/deviceName.ts"
import { deviceIndex, formatDeviceID, parseDeviceID } from "../reservation/deviceID.ts"
import { nodeFolder, type Resources } from "../reservation/resources.ts"
import { temporaries } from "./copy.ts"
import { probeSocket } from "./doctor/socket.ts"
import { readFolder, statFile } from "./files.ts"
import type { FoundLink, Inventory } from "./inventory.ts"
import { findEntry } from "./pods.ts"

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

/**
 * Links of ours that no container has any more: in the host's namespace, where an attachment never stays, or in one
 * that no process is in and whose attachment no runtime remembers.
 */
export const staleLinks = (root: string, { links }: Inventory, used = inhabited(root)): ReadonlyArray<FoundLink> =>
  links.filter(
    ({ owner, inHost, netnsId }) =>
      owner !== undefined && (inHost || (!used.has(netnsId) && findEntry(root, owner) === undefined))
  )

/** Links of the host's namespace that a device plugin made: ours for "standalone" resources, or kubevirt/macvtap-cni's. */
export const deviceLinks = ({ links }: Inventory): ReadonlyArray<FoundLink> =>
  links.filter(
    ({ inHost, owner, link }) =>
      inHost &&
      owner === undefined &&
      link.kind === "macvtap" &&
      (/^mvt[0-9a-f]{12}$/.test(link.name) || parseDeviceID(link.name) !== undefined)
  )

/** The names that our device plugin gives the links of its "standalone" resources. */
export const standaloneNames = (resources: Resources): ReadonlySet<string> =>
  new Set(
    Object.entries(resources)
      .filter(([, { standalone }]) => standalone)
      .flatMap(([resource, { capacity }]) =>
        Array.from({ length: capacity }, (_, ordinal) => deviceName(formatDeviceID({ resource, ordinal })))
      )
  )

/** Our own nodes of devices whose link is nowhere. */
export const staleNodes = (root: string, state: string, { links }: Inventory): ReadonlyArray<string> => {
  const indexes = new Set(links.map(({ link }) => link.index))
  return readFolder(join(root, nodeFolder(state))).flatMap(({ name }) => {
    const id = parseDeviceID(name)
    return id !== undefined && indexes.has(deviceIndex(id)) ? [] : [join(root, nodeFolder(state), name)]
  })
}

/** Sockets of our device plugin, and whether it answers there. */
export const ourSockets = Effect.fnUntraced(function* (root: string, kubelet: string) {
  const sockets: Array<{ readonly path: string; readonly answers: boolean }> = []
  for (const { name } of readFolder(join(root, kubelet)).filter(
    (entry) => entry.isSocket() && /^macvtap/.test(entry.name)
  )) {
    const path = join(root, kubelet, name)
    sockets.push({ path, answers: (yield* probeSocket(path)) === undefined })
  }
  return sockets
})

/** What installations that were killed have left. */
export const staleTemporaries = (root: string, folders: ReadonlyArray<string>): ReadonlyArray<string> =>
  folders.flatMap((folder) => temporaries(join(root, folder)))
