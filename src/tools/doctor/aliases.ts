/** Links that say to be another's than they are. */
import { escapeText } from "../../wire/foreign.ts"
import type { Inventory } from "../node/inventory.ts"
import { podName } from "../records/podName.ts"
import { type Finding, note } from "./Finding.ts"

/** Nothing follows from an alias where the runtime knows better; but somebody changed it. */
export const aliases = ({ links }: Inventory): ReadonlyArray<Finding> =>
  links.flatMap(({ link, netns, ownership }) => {
    if (ownership?.claims === undefined) return []
    const { owner, claims, pod } = ownership
    const whose = pod === undefined ? `container ${owner.containerID}` : podName(pod)
    const says = `link ${link.name} in ${netns} is that of ${whose} (network ${owner.network}), as the runtime knows; its alias says ${claims.containerID}/${claims.ifname} (network ${claims.network})`
    return [note("aliases", escapeText(says), "somebody in that pod has changed it; nothing depends on it")]
  })
