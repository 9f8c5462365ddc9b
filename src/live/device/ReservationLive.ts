/** ReservationService on the kernel: the state folder, device nodes of our own in it, and what sysfs knows of them. */
import { closeSync, constants, readFileSync } from "node:fs"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import { checkpointFile, defaultKubeletFolder, readCheckpoint } from "../../devices/checkpoint.ts"
import { deviceIndex, parseDeviceID } from "../../devices/deviceID.ts"
import { decodeKubelet, kubeletFile } from "../../devices/kubeletFile.ts"
import {
  decodeResources,
  defaultStateFolder,
  nodeFolder,
  nodePath,
  resourceDomain,
  resourcesFile
} from "../../devices/resources.ts"
import { type Reservation, ReservationError, ReservationService } from "../../services/ReservationService.ts"
import { attempt } from "../system/attempt.ts"
import { absent } from "../system/errno.ts"
import { ownRoot, type Root } from "../system/root.ts"
import { attachmentClaims, claim, defaultClaimFolder, deviceClaims, unclaim } from "./claims.ts"
import { holderOf } from "./holder.ts"
import { makeNode, removeNode } from "./node.ts"

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

/** Who may ask for the device, as `pods` of the service says it. */
const podsOf = (root: Root, stateFolder: string, deviceID: string) =>
  attempt(
    () => {
      const path = kubeletFile(stateFolder)
      const told = decodeKubelet(absent(() => readText(root, path)) ?? "")
      if (!told.checksOwner) return Result.succeed(undefined)
      const checkpoint = checkpointFile(told.folder)
      const read = absent(() => root.at(checkpoint, (entry) => readCheckpoint(entry.slice(0, entry.lastIndexOf("/")))))
      return read === undefined
        ? Result.succeed(undefined)
        : Result.mapBoth(read, {
            onFailure: (problem) => [checkpoint, problem.slice(problem.indexOf(" ") + 1)] as const,
            onSuccess: (all) => all
          })
    },
    refused("read", checkpointFile(defaultKubeletFolder))
  ).pipe(
    Effect.flatMap((allotments) => {
      if (Result.isFailure(allotments)) {
        const [path, problem] = allotments.failure
        return new ReservationError({
          operation: "read",
          path,
          problem: `it ${problem}`,
          advice:
            "whose device it is cannot be told without the kubelet's checkpoint; " +
            `let the kubelet write it anew, or start the device plugin with --no-owner-check`
        })
      }
      const name = `${resourceDomain}/${parseDeviceID(deviceID)?.resource}`
      return Effect.succeed(
        allotments.success === undefined
          ? ("unknown" as const)
          : allotments.success
              .filter(({ resource, deviceIDs }) => resource === name && deviceIDs.includes(deviceID))
              .map(({ podUID }) => podUID)
      )
    })
  )

interface ReservationOptions {
  /** Where the folders are; this process's root when left out. */
  readonly root?: Root
  readonly stateFolder?: string
  readonly claimFolder?: string
}

/** The folders are the daemon's and the plugin's; others are for tests. */
export const makeReservation = ({
  root = ownRoot,
  stateFolder = defaultStateFolder,
  claimFolder = defaultClaimFolder
}: ReservationOptions = {}): ReservationService["Service"] => ({
  lookup: (deviceID) => lookup(root, stateFolder, deviceID),
  pods: (deviceID) => podsOf(root, stateFolder, deviceID),
  holder: ({ node, index }) => attempt(() => holderOf(root, node, index), refused("look at", node)),
  makeNode: ({ node }, number, to) =>
    attempt(() => makeNode(root, node, number, to), refused(`mknod c ${number}`, node)),
  removeNode: (deviceID) => {
    const id = parseDeviceID(deviceID)
    if (id === undefined) return Effect.succeed(true)
    const node = nodePath(stateFolder, deviceID)
    return attempt(() => removeNode(root, node, deviceIndex(id)), refused("remove", nodeFolder(stateFolder)))
  },
  claims: (number, of) =>
    attempt(
      () => [
        ...deviceClaims(root, nodeFolder(stateFolder), number),
        ...(of === "devices" ? [] : attachmentClaims(root, claimFolder, number))
      ],
      refused("read", claimFolder)
    ),
  claim: (number, attachment, over) =>
    attempt(() => claim(root, claimFolder, number, attachment, over), refused(`claim ${number}`, claimFolder)),
  unclaim: (isOver, number) =>
    attempt(() => unclaim(root, claimFolder, isOver, number), refused("unclaim", claimFolder))
})

export const reservationLive = (options?: ReservationOptions): Layer.Layer<ReservationService> =>
  Layer.succeed(ReservationService, makeReservation(options))
