/** Which pods the kubelet gave our devices to, by its checkpoint: pods whose link is still to be made, or that have none, included. */
import { dirname, join } from "node:path"
import * as Result from "effect/Result"
import { readCheckpoint } from "../../devices/checkpoint.ts"
import { deviceIndex, parseDeviceID } from "../../devices/deviceID.ts"
import { resourceDomain } from "../../devices/resources.ts"
import { readFolder, statFile } from "../node/files.ts"
import type { Pod, Records } from "./records.ts"

export interface AllottedDevice {
  readonly deviceID: string
  /** The link's ifindex, in whichever namespace; 0 for a device ID of another's making. */
  readonly index: number
  /** By its UID alone where nothing on the node names it. */
  readonly pod: Pod
}

export interface Allotments {
  readonly devices: ReadonlyArray<AllottedDevice>
  /** Why the checkpoint says nothing, with its path; undefined also where there is none. */
  readonly problem?: string
}

/**
 * The devices of ours that pods of the node have. The kubelet's checkpoint lists a pod until the next allotment, also when
 * it has ended; its folder of pods knows better.
 */
export const readAllotments = (root: string, kubelet: string, records: Records): Allotments => {
  const read = readCheckpoint(join(root, kubelet))
  if (Result.isFailure(read)) return { devices: [], problem: read.failure }
  const ofOurs = (read.success ?? []).filter(({ resource }) => resource.startsWith(`${resourceDomain}/`))
  if (ofOurs.length === 0) return { devices: [] }
  const pods = join(root, dirname(kubelet), "pods")
  const ended = (uid: string): boolean => statFile(pods) !== undefined && statFile(join(pods, uid)) === undefined
  const nameOf = podNames(root, records)
  return {
    devices: ofOurs
      .filter(({ podUID }) => !ended(podUID))
      .flatMap(({ podUID, deviceIDs }) =>
        deviceIDs.map((deviceID) => ({ deviceID, index: indexOf(deviceID), pod: nameOf(podUID) }))
      )
  }
}

const indexOf = (deviceID: string): number => {
  const id = parseDeviceID(deviceID)
  return id === undefined ? 0 : deviceIndex(id)
}

/** The kubelet's folder of a pod's logs: `<namespace>_<name>_<uid>`; no name holds a `_`. */
const logFolder = /^([^_]+)_([^_]+)_([^_]+)$/

/** Who a pod is: asked of the kubelet's folder of logs, then of what the runtimes remember. */
const podNames = (root: string, { records }: Records): ((uid: string) => Pod) => {
  const names = new Map<string, Pod>()
  for (const { pod } of records) if (pod?.uid !== undefined) names.set(pod.uid, pod)
  for (const { name: folder } of readFolder(join(root, "var/log/pods"))) {
    const [, namespace = "", name = "", uid = ""] = logFolder.exec(folder) ?? []
    if (uid !== "") names.set(uid, { namespace, name, uid })
  }
  return (uid) => names.get(uid) ?? { name: `pod ${uid}`, uid }
}
