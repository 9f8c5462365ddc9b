/** Devices as the kubelet hears of them. Pure functions of an offer and of device IDs. */
import { deviceIndex, formatDeviceID, parseDeviceID } from "../../devices/deviceID.ts"
import { nodePath } from "../../devices/resources.ts"
import type {
  ContainerAllocateResponse,
  ContainerPreferredAllocationRequest,
  Device,
  DeviceSpec
} from "../api/v1beta1.ts"
import type { Offer } from "./Offer.ts"

export const healthy = "Healthy"
export const unhealthy = "Unhealthy"

/** All devices of a resource, whoever has them: the kubelet keeps account. */
export const listDevices = ({ name, capacity, numaNodes }: Offer, health: boolean): ReadonlyArray<Device> =>
  Array.from({ length: capacity }, (_, ordinal) => ({
    ID: formatDeviceID({ resource: name, ordinal }),
    health: health ? healthy : unhealthy,
    topology: numaNodes.length === 0 ? undefined : { nodes: numaNodes.map((ID) => ({ ID })) }
  }))

/** Whether the ID is one of the resource's. More than the capacity is taken: it may have been lowered since. */
export const isDeviceOf = (resource: string, deviceID: string): boolean =>
  parseDeviceID(deviceID)?.resource === resource

/**
 * What a container gets: under the name by which libvirt looks for a macvtap's tap, the node that ADD makes. Nothing but
 * the ID goes into it, since the kubelet answers itself from its checkpoint after a restart, its own or the node's.
 */
export const deviceSpec = (stateFolder: string, deviceID: string): DeviceSpec | undefined => {
  const id = parseDeviceID(deviceID)
  return (
    id && {
      containerPath: `/dev/tap${deviceIndex(id)}`,
      hostPath: nodePath(stateFolder, deviceID),
      permissions: "rw"
    }
  )
}

export const allocateResponse = (
  stateFolder: string,
  devicesIds: ReadonlyArray<string>
): ContainerAllocateResponse => ({
  devices: devicesIds.flatMap((id) => deviceSpec(stateFolder, id) ?? []),
  envs: {},
  mounts: [],
  annotations: {},
  cdiDevices: []
})

/**
 * Devices that no link holds first, so that a new pod need not wait for the end of an old one; then those that were
 * allotted the longest time ago, or never; then by number. `lastUse` is the time of the last allotment, Infinity for a
 * device that is held, 0 for one never allotted.
 */
export const preferDevices = (
  request: ContainerPreferredAllocationRequest,
  lastUse: (deviceID: string) => number
): ReadonlyArray<string> => {
  const must = request.mustIncludeDeviceIDs
  const others = request.availableDeviceIDs
    .filter((id) => !must.includes(id))
    .map((id) => ({ id, used: lastUse(id), ordinal: parseDeviceID(id)?.ordinal ?? Number.MAX_SAFE_INTEGER }))
    .sort((a, b) => (a.used === b.used ? a.ordinal - b.ordinal : a.used < b.used ? -1 : 1))
    .map(({ id }) => id)
  return [...must, ...others].slice(0, Math.max(request.allocationSize, 0))
}
