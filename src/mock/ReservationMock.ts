/** ReservationService on the in-memory kernel: what a device plugin offers, and the nodes in its folder. */
import { type Holder, type Reservation, ReservationError, ReservationService } from "../services/ReservationService.ts"
import { type Requests, request } from "./requests.ts"
import type { Machine } from "./state.ts"
import { allLinks, deviceOf } from "./taps.ts"

const error =
  (operation: string, path: string) =>
  ({ errno }: { readonly errno: string }): ReservationError =>
    new ReservationError({ operation, path, problem: errno, advice: "" })

/** The link of the ifindex, in whichever namespace, that has the number behind one of the nodes. */
const holderOf = (machine: Machine, { index, node }: Pick<Reservation, "index" | "node">): Holder | undefined => {
  const numbers = [machine.ownNodes.get(node), machine.devtmpfs?.get(`/dev/tap${index}`)].map((found) => found?.device)
  for (const link of allLinks(machine)) {
    const device = deviceOf(link)
    if (link.index === index && device !== undefined && numbers.includes(device)) return { device, link: link.name }
  }
  return undefined
}

export const reservationMock = (machine: Machine, requests: Requests): ReservationService["Service"] =>
  ReservationService.of({
    lookup: (deviceID) =>
      request(requests, "reservation lookup", () => machine.offers.get(deviceID), error("read", "resources.json")),
    holder: (device) =>
      request(requests, "reservation holder", () => holderOf(machine, device), error("look at", device.node)),
    makeNode: ({ node }, device, to) =>
      request(
        requests,
        "reservation makeNode",
        () => void machine.ownNodes.set(node, { device, ...to }),
        error("mknod", node)
      ),
    removeNode: (deviceID) =>
      request(
        requests,
        "reservation removeNode",
        () => {
          const device = machine.offers.get(deviceID)
          if (device === undefined) return true
          if (holderOf(machine, device) !== undefined) return false
          machine.ownNodes.delete(device.node)
          return true
        },
        error("remove", deviceID)
      )
  })
