/** ReservationService on the in-memory kernel: what a device plugin wrote down, and the nodes of its folder. */

import { deviceIndex, parseDeviceID } from "../devices/deviceID.ts"
import { defaultStateFolder, nodePath } from "../devices/resources.ts"
import { ReservationError, ReservationService } from "../services/ReservationService.ts"
import { attempt } from "./attempt.ts"
import { type Refusal, refuse } from "./kernel/Refusal.ts"
import type { Machine, NodeState } from "./kernel/state.ts"
import { allLinks, deviceOf, nodePath as tapPath } from "./kernel/taps.ts"

const error =
  (operation: string, path: string) =>
  ({ errno }: Refusal): ReservationError =>
    new ReservationError({ operation, path, problem: errno, advice: "this is the in-memory kernel" })

/** The link of that ifindex behind a number, in whichever namespace. */
const linkBehind = (machine: Machine, node: NodeState | undefined, index: number) =>
  node === undefined
    ? undefined
    : [...allLinks(machine)].find((link) => link.index === index && deviceOf(link) === node.device)

export const reservationMock = (machine: Machine): ReservationService["Service"] => {
  const folder = machine.stateFolder
  const holderAt = (path: string, node: NodeState | undefined, index: number) => {
    const link = linkBehind(machine, node, index)
    return link && node && { path, device: node.device, link: link.name }
  }
  return ReservationService.of({
    lookup: (deviceID) =>
      attempt(
        () => {
          const id = parseDeviceID(deviceID)
          const resource = id && folder.resources[id.resource]
          if (id === undefined || resource === undefined) return undefined
          const { capacity: _, ...offered } = resource
          return {
            ...offered,
            deviceID,
            resource: id.resource,
            index: deviceIndex(id),
            node: nodePath(defaultStateFolder, deviceID)
          }
        },
        error("read", defaultStateFolder)
      ),
    holder: ({ node, index }) =>
      attempt(
        () =>
          holderAt(node, folder.nodes.get(node), index) ??
          holderAt(tapPath(index), machine.devtmpfs?.get(tapPath(index)), index),
        error("look at", node)
      ),
    makeNode: ({ node }, number, to) =>
      attempt(
        () => {
          if (!/^\d+:\d+$/.test(number)) refuse("EINVAL")
          folder.nodes.set(node, { device: number, ...to })
        },
        error("mknod", node)
      ),
    removeNode: (deviceID) =>
      attempt(
        () => {
          const id = parseDeviceID(deviceID)
          if (id === undefined) return true
          const path = nodePath(defaultStateFolder, deviceID)
          if (linkBehind(machine, folder.nodes.get(path), deviceIndex(id)) !== undefined) return false
          folder.nodes.delete(path)
          return true
        },
        error("remove", defaultStateFolder)
      )
  })
}
