/** ReservationService on the kernel: the state folder, device nodes of our own in it, and what sysfs knows of them. */
import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  linkSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync
} from "node:fs"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import { deviceIndex, parseDeviceID } from "../../devices/deviceID.ts"
import { decodeResources, defaultStateFolder, nodeFolder, nodePath, resourcesFile } from "../../devices/resources.ts"
import {
  type Holder,
  type NodeOwner,
  type Reservation,
  ReservationError,
  ReservationService
} from "../../services/ReservationService.ts"
import { attempt } from "../system/attempt.ts"
import { errnoOf, SystemError } from "../system/errno.ts"
import { mknodCharacter } from "../system/libc.ts"
import { ownRoot, type Root, statusIn } from "../system/root.ts"
import { deviceOf, noDevice } from "./deviceNumber.ts"

const refused = (operation: string, path: string) => (errno: string) =>
  new ReservationError({
    operation,
    path,
    problem: errno,
    advice:
      errno === "ENOSPC" || errno === "EDQUOT"
        ? "free some space on that file system"
        : `the plugin needs to read and write the folder as root, with CAP_MKNOD`
  })

const readText = (root: Root, path: string): string => {
  const fd = root.open(path, constants.O_RDONLY)
  try {
    return readFileSync(fd, "utf8")
  } finally {
    closeSync(fd)
  }
}

const absent = (step: () => string): string | undefined => {
  try {
    return step()
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined
    throw error
  }
}

const lookup = (
  root: Root,
  stateFolder: string,
  deviceID: string
): Effect.Effect<Reservation | undefined, ReservationError> =>
  Effect.gen(function* () {
    const id = parseDeviceID(deviceID)
    if (id === undefined) return undefined
    const path = resourcesFile(stateFolder)
    const text = yield* attempt(() => absent(() => readText(root, path)), refused("read", path))
    if (text === undefined) return undefined
    const resources = decodeResources(text)
    if (Result.isFailure(resources)) {
      return yield* new ReservationError({
        operation: "read",
        path,
        problem: resources.failure,
        advice: `restart the device plugin on this node ("macvtap device-plugin"), which writes the file anew`
      })
    }
    const resource = resources.success[id.resource]
    if (resource === undefined) return undefined
    return {
      deviceID,
      resource: id.resource,
      ...(resource.lowerDevice === undefined ? {} : { lowerDevice: resource.lowerDevice }),
      mode: resource.mode,
      standalone: resource.standalone,
      index: deviceIndex(id),
      node: nodePath(stateFolder, deviceID)
    }
  })

/**
 * The link of ifindex `index` that a node leads to. The kernel names a number's device after the link and its ifindex,
 * and shows it in every namespace: `/sys/dev/char/246:1` → `../../devices/virtual/net/net1/macvtap/tap600000001`.
 * A number that belongs to nobody, or by now to another link, is no holder.
 */
const holderOf = (root: Root, node: string, index: number): Holder | undefined => {
  const stats = statusIn(root, node)
  const device = stats === undefined ? noDevice : deviceOf(stats)
  if (device === noDevice) return undefined
  const target = absent(() => readlinkSync(`/sys/dev/char/${device}`))
  const [, link, tap] = /\/net\/([^/]+)\/[^/]+\/([^/]+)$/.exec(target ?? "") ?? []
  return link !== undefined && tap === `tap${index}` ? { path: node, device, link } : undefined
}

/** A name in the node's folder that nobody else uses: no device ID begins with a dot. */
const besideOf = (node: string): string => {
  const cut = node.lastIndexOf("/") + 1
  return `${node.slice(0, cut)}.${node.slice(cut)}.${Math.random().toString(36).slice(2)}`
}

/** The folder and those above it. */
const makeFolder = (root: Root, path: string): void => {
  const make = (): void => {
    try {
      root.at(path, (folder) => mkdirSync(folder, { mode: 0o755 }))
    } catch (error) {
      if (errnoOf(error) !== "EEXIST") throw error
    }
  }
  try {
    make()
  } catch (error) {
    const above = path.slice(0, path.lastIndexOf("/"))
    if (errnoOf(error) !== "ENOENT" || above === "") throw error
    makeFolder(root, above)
    make()
  }
}

/** Made under another name, since a node is opened by its name: nobody shall meet it with the wrong owner or mode. */
const makeNode = (root: Root, node: string, number: string, to: NodeOwner): void => {
  const [, major, minor] = /^(\d+):(\d+)$/.exec(number) ?? []
  if (major === undefined || minor === undefined) throw new SystemError("mknod", "EINVAL")
  makeFolder(root, node.slice(0, node.lastIndexOf("/")))
  root.at(node, (node) => {
    const beside = besideOf(node)
    try {
      mknodCharacter(beside, 0o600, Number(major), Number(minor))
      chownSync(beside, to.owner, to.group)
      chmodSync(beside, to.mode)
      renameSync(beside, node)
    } catch (error) {
      rmSync(beside, { force: true })
      throw error
    }
  })
}

/**
 * Taken aside before it is judged: a node that the next pod's ADD makes between a look and the removal would be removed
 * with the wrong look. A live one goes back, unless a newer one has its place by then.
 */
const removeNode = (root: Root, node: string, index: number): boolean => {
  if (holderOf(root, node, index) !== undefined) return false
  try {
    return root.at(node, (node) => removeAside(node, index))
  } catch (error) {
    if (errnoOf(error) === "ENOENT" || errnoOf(error) === "ENOTDIR") return true
    throw error
  }
}

const removeAside = (node: string, index: number): boolean => {
  const aside = besideOf(node)
  renameSync(node, aside)
  const gone = holderOf(ownRoot, aside, index) === undefined
  try {
    if (!gone) linkSync(aside, node)
  } catch (error) {
    if (errnoOf(error) !== "EEXIST") throw error
  } finally {
    rmSync(aside, { recursive: true, force: true })
  }
  return gone
}

interface ReservationOptions {
  /** Where the state folder is; this process's root when left out. */
  readonly root?: Root
  readonly stateFolder?: string
}

/** `stateFolder` is the daemon's; another one is for tests. */
export const makeReservation = ({
  root = ownRoot,
  stateFolder = defaultStateFolder
}: ReservationOptions = {}): ReservationService["Service"] => ({
  lookup: (deviceID) => lookup(root, stateFolder, deviceID),
  holder: ({ node, index }) =>
    attempt(() => holderOf(root, node, index) ?? holderOf(root, `/dev/tap${index}`, index), refused("look at", node)),
  makeNode: ({ node }, number, to) =>
    attempt(() => makeNode(root, node, number, to), refused(`mknod c ${number}`, node)),
  removeNode: (deviceID) => {
    const id = parseDeviceID(deviceID)
    if (id === undefined) return Effect.succeed(true)
    const node = nodePath(stateFolder, deviceID)
    return attempt(() => removeNode(root, node, deviceIndex(id)), refused("remove", nodeFolder(stateFolder)))
  }
})

export const reservationLive = (options?: ReservationOptions): Layer.Layer<ReservationService> =>
  Layer.succeed(ReservationService, makeReservation(options))
