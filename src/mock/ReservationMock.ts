/** ReservationService on the in-memory kernel: what a device plugin wrote down, and the nodes of its folder. */

import * as Effect from "effect/Effect"
import { deviceIndex, parseDeviceID } from "../devices/deviceID.ts"
import { defaultStateFolder, nodePath } from "../devices/resources.ts"
import { type Claim, ReservationError, ReservationService } from "../services/ReservationService.ts"
import { attempt } from "./attempt.ts"
import { type Refusal, refuse } from "./kernel/Refusal.ts"
import type { Machine, NodeState } from "./kernel/state.ts"
import { allLinks, deviceOf } from "./kernel/taps.ts"

const error =
  (operation: string, path: string) =>
  ({ errno }: Refusal): ReservationError =>
    new ReservationError({ operation, path, problem: errno, advice: "this is the in-memory kernel" })

/** The link of that ifindex behind a number, in whichever namespace. */
const linkBehind = (machine: Machine, node: NodeState | undefined, index: number) =>
  node === undefined
    ? undefined
    : [...allLinks(machine)].find((link) => link.index === index && deviceOf(link) === node.device)

const isLinked = (machine: Machine, number: string): boolean =>
  [...allLinks(machine)].some((link) => deviceOf(link) === number)

const claimsOf = (machine: Machine): ReadonlyArray<Claim> => [
  ...Array.from(machine.stateFolder.nodes, ([path, { device }]) => ({
    number: device,
    deviceID: path.slice(path.lastIndexOf("/") + 1),
    isLinked: () => isLinked(machine, device)
  })),
  ...Array.from(machine.claims, ([number, attachment]) => ({
    number,
    attachment,
    isLinked: () => isLinked(machine, number)
  }))
]

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
    holder: ({ node, index }) => attempt(() => holderAt(node, folder.nodes.get(node), index), error("look at", node)),
    pods: (deviceID) =>
      Effect.sync(() => {
        if (machine.checkpoint === undefined) return "unknown"
        const pod = machine.checkpoint.get(deviceID)
        return pod === undefined ? [] : [pod]
      }),
    claims: (wanted, of) =>
      Effect.sync(() =>
        claimsOf(machine).filter(
          ({ number, deviceID }) =>
            (wanted === undefined || number === wanted) && (of === undefined || deviceID !== undefined)
        )
      ),
    claim: (number, attachment, over) =>
      attempt(
        () => {
          const found = machine.claims.get(number)
          const isOver = found?.alias === over?.attachment?.alias && found?.netnsID === over?.attachment?.netnsID
          if (found !== undefined && found.alias !== attachment.alias && !isOver) {
            return { number, attachment: found, isLinked: () => isLinked(machine, number) }
          }
          machine.claims.set(number, attachment)
          return undefined
        },
        error("claim", number)
      ),
    unclaim: (isOver) =>
      Effect.sync(() => {
        for (const [number, { alias }] of machine.claims) if (isOver(alias)) machine.claims.delete(number)
      }),
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
