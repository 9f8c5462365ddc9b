/** `macvtap list`: which container, which pod, hangs on which link of the node. */
import * as Effect from "effect/Effect"
import { makeCommand, UsageError } from "../../command/Command.ts"
import { escapeText, jsonText } from "../../wire/foreign.ts"
import { describeFailure } from "../failure.ts"
import { attachmentsOf, standaloneDevicesOf } from "../node/attachments.ts"
import { hostAccessOf } from "../node/hostAccess.ts"
import { takeInventory } from "../node/inventory.ts"
import { readAllotments } from "../records/allotments.ts"
import { siteOptions } from "../site.ts"
import { listDocument } from "./document.ts"
import { mermaid } from "./mermaid.ts"
import { listTable } from "./table.ts"

export const list = makeCommand({
  name: "list",
  summary: "show the attachments on this node: network, container, pod, link, master, tap",
  description: [
    "Looks into every network namespace that has a name in /run/netns or a process, for links that the caches of container " +
      "runtimes and Multus in /var/lib/cni know, or that bear this plugin's alias; and into the host's for the links of " +
      "standalone devices and those by which pods and node reach each other (hostAccess).",
    'A "?" behind the network: only the link\'s alias says so, which its container may have changed.',
    "Exit status 1: a namespace or the kubelet's checkpoint could not be looked into, and the answer may lack something."
  ],
  options: {
    json: { type: "boolean", help: "a JSON document, for machines" },
    mermaid: { type: "boolean", help: "a Mermaid diagram, for a page or a report" },
    root: siteOptions.root,
    "kubelet-dir": siteOptions["kubelet-dir"],
    "state-dir": siteOptions["state-dir"]
  },
  run: Effect.fn("list")(function* ({ json, mermaid: diagram, root, ...where }, { out, err }) {
    if (json && diagram) return yield* new UsageError({ problem: "--json and --mermaid exclude each other" })
    const inventory = yield* takeInventory(root).pipe(Effect.mapError(describeFailure))
    const allotments = readAllotments(root, where["kubelet-dir"], inventory.records)
    const place = { root, state: where["state-dir"] }
    const attachments = yield* attachmentsOf(place, inventory)
    const devices = yield* standaloneDevicesOf(place, inventory, allotments.devices)
    const hostAccess = hostAccessOf(inventory)
    if (json) yield* out(`${jsonText(listDocument(attachments, devices, hostAccess, inventory.unseen), 2)}\n`)
    else if (diagram) yield* out(mermaid(attachments, devices))
    else yield* out(listTable(attachments, devices, hostAccess))
    const missing = inventory.unseen.map((namespace) => `cannot look into ${namespace}`)
    if (allotments.problem !== undefined) missing.push(allotments.problem)
    for (const problem of missing) yield* err(`macvtap list: ${escapeText(problem)}\n`)
    return missing.length === 0 ? 0 : 1
  })
})
