/** `macvtap list`: which container, which pod, hangs on which link of the node. */
import * as Effect from "effect/Effect"
import { makeCommand, UsageError } from "../../command/Command.ts"
import { escapeText, jsonText } from "../../wire/foreign.ts"
import { describeFailure } from "../failure.ts"
import { siteOptions } from "../site.ts"
import { type Attachment, attachmentsOf, type Tap } from "./attachments.ts"
import { takeInventory } from "./inventory.ts"
import { mermaid } from "./mermaid.ts"
import { table } from "./table.ts"

const tapCell = (tap: Tap | undefined): string => {
  if (tap === undefined) return "-"
  if (tap.node === undefined) return `(${tap.problem})`
  return `${tap.node} ${tap.owner}:${tap.group} ${(tap.mode ?? 0).toString(8).padStart(4, "0")}`
}

const podCell = ({ pod }: Attachment): string =>
  pod === undefined ? "-" : pod.namespace === undefined ? pod.name : `${pod.namespace}/${pod.name}`

/** A container ID is 64 digits; the first 13 are what crictl and kubectl show. */
const shortId = (id: string): string => (/^[0-9a-f]{64}$/.test(id) ? id.slice(0, 13) : id)

const row = (attachment: Attachment): ReadonlyArray<string> => [
  attachment.network,
  shortId(attachment.container),
  podCell(attachment),
  attachment.ifname,
  attachment.mac ?? "-",
  attachment.master ?? "-",
  attachment.mode ?? "-",
  tapCell(attachment.tap)
]

const heading = ["NETWORK", "CONTAINER", "POD", "IFNAME", "MAC", "MASTER", "MODE", "TAP"]

/** Keys are always there, so that a program needs not ask; what is not known is null. */
const document = (attachments: ReadonlyArray<Attachment>, unseen: ReadonlyArray<string>) => ({
  attachments: attachments.map(
    ({ network, container, pod, ifname, mac, master, kind, mode, tap, netns, index, up }) => ({
      network,
      container,
      pod: pod === undefined ? null : { namespace: pod.namespace ?? null, name: pod.name },
      ifname,
      mac: mac ?? null,
      master: master ?? null,
      kind,
      mode: mode ?? null,
      tap:
        tap === undefined
          ? null
          : {
              node: tap.node ?? null,
              device: tap.device ?? null,
              owner: tap.owner ?? null,
              group: tap.group ?? null,
              mode: tap.mode === undefined ? null : tap.mode.toString(8).padStart(4, "0"),
              problem: tap.problem ?? null
            },
      netns,
      ifindex: index,
      up
    })
  ),
  unseen
})

export const list = makeCommand({
  name: "list",
  summary: "show the attachments on this node: network, container, pod, link, master, tap",
  description: [
    "Looks into every network namespace that has a name in /run/netns or a process, for links that bear this plugin's " +
      "alias. Pods are known from the cache that container runtimes and Multus keep in /var/lib/cni.",
    "Exit status 1: a namespace could not be looked into, and the answer may lack something."
  ],
  options: {
    json: { type: "boolean", help: "a JSON document, for machines" },
    mermaid: { type: "boolean", help: "a Mermaid diagram, for a page or a report" },
    root: siteOptions.root,
    "state-dir": siteOptions["state-dir"]
  },
  run: Effect.fnUntraced(function* ({ json, mermaid: diagram, root, ...where }, { out, err }) {
    if (json && diagram) return yield* new UsageError({ problem: "--json and --mermaid exclude each other" })
    const inventory = yield* takeInventory(root).pipe(Effect.mapError(describeFailure))
    const attachments = yield* attachmentsOf({ root, state: where["state-dir"] }, inventory)
    if (json) yield* out(`${jsonText(document(attachments, inventory.unseen), 2)}\n`)
    else if (diagram) yield* out(mermaid(attachments))
    else if (attachments.length === 0) yield* out("no attachments\n")
    else yield* out(table([heading, ...attachments.map(row)]))
    for (const namespace of inventory.unseen) yield* err(`macvtap list: cannot look into ${escapeText(namespace)}\n`)
    return inventory.unseen.length === 0 ? 0 : 1
  })
})
