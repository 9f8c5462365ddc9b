/** What nobody needs any more, and what pods have lost, as findings. */
import { join } from "node:path"
import * as Effect from "effect/Effect"
import type { Inventory } from "../node/inventory.ts"
import {
  foreignDeviceLinks,
  lostDevices,
  type OwnedLink,
  ourSockets,
  staleLinks,
  staleNodes,
  staleTemporaries
} from "../node/leftovers.ts"
import { readAllotments } from "../records/allotments.ts"
import { podName } from "../records/podName.ts"
import { type Finding, fine, note, type Site, wrong } from "./Finding.ts"

const check = "leftovers"

const remedy = `"macvtap uninstall --leftovers" removes it`

export const leftovers = Effect.fn("leftovers")(function* (site: Site, inventory: Inventory) {
  const { root, state, kubelet, plugins } = site
  const allotments = readAllotments(root, kubelet, inventory.records)
  const lost = lostDevices(join(root, state), allotments).map(({ deviceID, pod }) =>
    wrong(
      "device",
      `${deviceID} of pod ${podName(pod)} has no link any more: its lower device was removed, or the link itself`,
      "delete the pod: no link of it comes back, but its successor gets one"
    )
  )
  const findings: Array<Finding> = [
    ...staleLinks(root, inventory).map((found) =>
      wrong(check, `link ${describe(found)}, which no process and no runtime knows of`, remedy)
    ),
    ...foreignDeviceLinks(inventory).map(({ link }) =>
      note(
        check,
        `link ${link.name} in the host's namespace looks like one of kubevirt/macvtap-cni's device plugin`,
        `if that no longer runs here: ip link del ${link.name}`
      )
    ),
    ...staleNodes(join(root, state), allotments).map((path) =>
      wrong(check, `node ${path}, whose link is gone`, remedy)
    ),
    ...staleTemporaries(root, plugins).map((path) =>
      wrong(check, `${path}, of an installation that was stopped`, remedy)
    )
  ]
  for (const { path, answers } of yield* ourSockets(root, kubelet)) {
    if (!answers) findings.push(wrong(check, `socket ${path}, on which nobody answers`, remedy))
  }
  return [...lost, ...(findings.length > 0 ? findings : [fine(check, "none")])]
})

const describe = ({ link, netns, ownership: { owner, knownBy }, inHost }: OwnedLink): string =>
  `${link.name} in ${inHost ? "the host's namespace" : netns}, of ${owner.containerID}/${owner.ifname} (network ${owner.network}${knownBy === "alias" ? ", by its alias" : ""})`
