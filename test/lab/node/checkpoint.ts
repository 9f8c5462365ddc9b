/** The kubelet's checkpoint of devices, as a kubelet writes it: beside, then renamed, so that nobody reads half of it. */
import { renameSync, writeFileSync } from "node:fs"

/** What a pod's container was given of one resource. */
export interface CheckpointEntry {
  readonly PodUID: string
  readonly ContainerName: string
  readonly ResourceName: string
  readonly DeviceIDs: Readonly<Record<string, ReadonlyArray<string>>>
  readonly AllocResp: string
}

export const checkpointPath = (folder: string): string => `${folder}/kubelet_internal_checkpoint`

export const writeCheckpoint = (folder: string, entries: ReadonlyArray<CheckpointEntry>): void => {
  const path = checkpointPath(folder)
  const text = JSON.stringify({ Data: { PodDeviceEntries: entries, RegisteredDevices: {} }, Checksum: 0 })
  writeFileSync(`${path}.new`, text)
  renameSync(`${path}.new`, path)
}
