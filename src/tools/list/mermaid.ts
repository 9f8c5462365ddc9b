/** Attachments as a Mermaid diagram: the node's links on the left, the pods and containers on the right. */
import { escapeText } from "../../wire/foreign.ts"
import type { Attachment, Held, StandaloneDevice } from "../node/attachments.ts"
import { podName } from "../records/podName.ts"

/** https://mermaid.js.org/syntax/flowchart.html; names of nodes are numbers, so that nothing from outside is one. */
export const mermaid = (attachments: ReadonlyArray<Attachment>, devices: ReadonlyArray<StandaloneDevice>): string => {
  const ends = [
    ...attachments.map((held) => ({ held, container: held.container, network: nameOf(held) })),
    ...devices.map((held) => ({ held, container: held.deviceID, network: "standalone" }))
  ].map((end, number) => ({ ...end, number }))
  const masters = [...new Set(ends.map(({ held }) => held.master ?? unknown))]
  const lines = ["flowchart LR", `  subgraph node["node"]`]
  for (const [index, master] of masters.entries()) lines.push(`    master${index}[${label(master)}]`)
  lines.push("  end")
  for (const [position, container] of [...new Set(ends.map((end) => end.container))].entries()) {
    const own = ends.filter((end) => end.container === container)
    const pod = own.find(({ held }) => held.pod !== undefined)?.held.pod
    lines.push(`  subgraph container${position}[${label(pod === undefined ? container : podName(pod))}]`)
    for (const { held, number } of own) lines.push(`    link${number}[${linkLabel(held)}]`)
    lines.push("  end")
  }
  for (const { held, network, number } of ends) {
    const words = label(network, held.mode === undefined ? held.kind : `${held.kind} ${held.mode}`)
    lines.push(`  master${masters.indexOf(held.master ?? unknown)} ---|${words}| link${number}`)
  }
  return `${lines.join("\n")}\n`
}

const unknown = "(not seen)"

/** As in the table. */
const nameOf = ({ network, knownBy }: Attachment): string => (knownBy === "runtime" ? network : `${network} ?`)

const linkLabel = ({ ifname, mac, tap }: Held): string => label(ifname, mac, tap?.node)

const label = (...lines: ReadonlyArray<string | undefined>): string =>
  `"${lines
    .filter((line) => line !== undefined && line !== "")
    .map((line) => mermaidText(line as string))
    .join("<br/>")}"`

/** What stands between quotes in Mermaid's language: what has a meaning there is written by its number, `#60;`. */
const mermaidText = (text: string): string =>
  escapeText(text).replaceAll(/["#&<>`;\\[\]{}|*_~%]/g, (character) => `#${character.codePointAt(0)};`)
