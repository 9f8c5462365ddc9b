/**
 * Which pod was given which devices: the kubelet's checkpoint, `kubelet_internal_checkpoint` in its folder of device
 * plugins, which it writes anew after every allotment and reads after its own restart and the node's.
 */
import * as Result from "effect/Result"
import { isObject, type JsonBounds, type JsonObject, parseBounded } from "../wire/boundedJson.ts"
import { readBounded } from "./readBounded.ts"

/** Where the kubelet has its device plugins, and its checkpoint, unless its `--root-dir` is another. */
export const defaultKubeletFolder = "/var/lib/kubelet/device-plugins"

export const checkpointFile = (kubeletFolder: string): string => `${kubeletFolder}/kubelet_internal_checkpoint`

/** Devices that the kubelet gave to one container. A pod that has ended may be listed some time longer. */
export interface Allotment {
  /** `metadata.uid`, the K8S_POD_UID of CNI_ARGS. */
  readonly podUID: string
  readonly container: string
  /** With its domain: `macvtap.network.kubevirt.io/dataplane`. */
  readonly resource: string
  readonly deviceIDs: ReadonlyArray<string>
}

/**
 * Bytes: 250 pods with five containers that got devices take 1 MB; 40 resources of 1000 devices, 0.5 MB. The kubelet
 * writes the file, but a folder of the node is a folder of whoever gets at it.
 */
const longest = 4 * 1024 * 1024
const bounds: JsonBounds = { parts: 200_000, depth: 16 }

/**
 * All allotments by the checkpoint in the folder, other vendors' too; undefined where there is no checkpoint; else in
 * words, with the path, why it says nothing. Synchronous, and never waits for another process. Without Schema, since ADD
 * starts with it.
 */
export const readCheckpoint = (kubeletFolder: string): Result.Result<ReadonlyArray<Allotment> | undefined, string> => {
  const path = checkpointFile(kubeletFolder)
  return readBounded(path, longest).pipe(
    Result.flatMap((text) => (text === undefined ? Result.succeed(undefined) : decodeCheckpoint(text))),
    Result.mapError((problem) => `${path} ${problem}`)
  )
}

/**
 * `{ "Data": { "PodDeviceEntries": [{ "PodUID", "ContainerName", "ResourceName", "DeviceIDs": { "<NUMA node>": ["…"] } }] } }`;
 * before Kubernetes 1.20 the device IDs were a plain list. All of it or nothing: an entry left out would be a device that
 * seems to be nobody's.
 */
export const decodeCheckpoint = (text: string): Result.Result<ReadonlyArray<Allotment>, string> => {
  const document = parseBounded(text, bounds)
  if (Result.isFailure(document)) return Result.fail(document.failure)
  const data = isObject(document.success) ? document.success["Data"] : undefined
  const entries = isObject(data) ? data["PodDeviceEntries"] : undefined
  // What Go writes for an empty list.
  if (entries === null) return Result.succeed([])
  if (!Array.isArray(entries)) return Result.fail(`is no checkpoint of devices: there is no list Data.PodDeviceEntries`)
  const allotments: Array<Allotment> = []
  for (const [position, entry] of entries.entries()) {
    const allotment = isObject(entry) ? decodeEntry(entry) : undefined
    if (allotment === undefined) return Result.fail(`is no checkpoint of devices: Data.PodDeviceEntries[${position}]`)
    allotments.push(allotment)
  }
  return Result.succeed(allotments)
}

const decodeEntry = (entry: JsonObject): Allotment | undefined => {
  const { PodUID: podUID, ContainerName: container, ResourceName: resource, DeviceIDs: devices } = entry
  const deviceIDs = isObject(devices) ? Object.values(devices).map(strings) : [strings(devices)]
  return typeof podUID === "string" &&
    typeof container === "string" &&
    typeof resource === "string" &&
    deviceIDs.every((list) => list !== undefined)
    ? { podUID, container, resource, deviceIDs: deviceIDs.flat() }
    : undefined
}

/** A list of strings; null is what Go writes for an empty one. */
const strings = (value: unknown): ReadonlyArray<string> | undefined => {
  if (value === null) return []
  return Array.isArray(value) && value.every((item) => typeof item === "string") ? value : undefined
}
