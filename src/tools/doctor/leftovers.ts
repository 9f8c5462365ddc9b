/** What nobody needs any more, as findings. */
import { join } from "node:path"
import * as Effect from "effect/Effect"
import type { Inventory } from "../node/inventory.ts"
import {
  foreignDeviceLinks,
  type OwnedLink,
  ourSockets,
  staleLinks,
  staleNodes,
  staleTemporaries
} from "../node/leftovers.ts"
import { type Finding, fine, note, type Site, wrong } from "./Finding.ts"

const check = "leftovers"

const remedy = `"macvtap uninstall --leftovers" removes it`

export const leftovers = Effect.fn("leftovers")(function* (site: Site, inventory: Inventory) {
  const { root, state, kubelet, plugins } = site
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
    ...staleNodes(join(root, state)).map((path) => wrong(check, `node ${path}, whose link is gone`, remedy)),
    ...staleTemporaries(root, plugins).map((path) =>
      wrong(check, `${path}, of an installation that was stopped`, remedy)
    )
  ]
  for (const { path, answers } of yield* ourSockets(root, kubelet)) {
    if (!answers) findings.push(wrong(check, `socket ${path}, on which nobody answers`, remedy))
  }
  return findings.length > 0 ? findings : [fine(check, "none")]
})

const describe = ({ link, netns, ownership: { owner, knownBy }, inHost }: OwnedLink): string =>
  `${link.name} in ${inHost ? "the host's namespace" : netns}, of ${owner.containerID}/${owner.ifname} (network ${owner.network}${knownBy === "alias" ? ", by its alias" : ""})`
