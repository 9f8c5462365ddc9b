/**
 * Device IDs of our device plugin, `<resource>Mvp<i>`, and the ifindex that follows from one. The kubelet keeps what it
 * allotted in a checkpoint and gives it again without asking, after its own restart and after the node's; so everything
 * about a device follows from its ID alone.
 */

import { hash32 } from "../wire/hash32.ts"

/** A block of ifindexes belongs to one resource, hence no more devices than that. */
export const largestCapacity = 4096

/** Ifindexes of reserved devices are in [2^29, 2^30); links of attachments without a device have those above. */
const firstIndex = 2 ** 29
const blocks = 2 ** 17

export interface DeviceID {
  readonly resource: string
  /** From 0, below `largestCapacity`. */
  readonly ordinal: number
}

/** A resource's name, as Kubernetes takes it behind the `/`: `dataplane`, `eth0.100`. */
export const isResourceName = (text: string): boolean =>
  text.length <= 63 && /^[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?$/.test(text)

/** `dataplane`, 3 → `dataplaneMvp3`, the form that kubevirt/macvtap-cni gave its users. */
export const formatDeviceID = ({ resource, ordinal }: DeviceID): string => `${resource}Mvp${ordinal}`

/** undefined where the text is no device ID of ours; such a text is never made part of a path. */
export const parseDeviceID = (text: string): DeviceID | undefined => {
  const [, resource = "", digits = ""] = /^(.+)Mvp(0|[1-9][0-9]{0,3})$/.exec(text) ?? []
  const ordinal = Number(digits)
  return digits !== "" && ordinal < largestCapacity && isResourceName(resource) ? { resource, ordinal } : undefined
}

/**
 * The block of ifindexes that belongs to a resource: the hash of its name, cut to 17 bits. Two names may meet in one
 * block; the device plugin refuses such a configuration.
 */
export const indexBlock = (resource: string): number => hash32(resource) % blocks

/** The ifindex that the device's link has, in whichever namespace; its tap node in the container is `/dev/tap<index>`. */
export const deviceIndex = ({ resource, ordinal }: DeviceID): number =>
  firstIndex + indexBlock(resource) * largestCapacity + ordinal
