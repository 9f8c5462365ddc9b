/** Attachments as a Mermaid diagram: the node's links on the left, the pods and containers on the right. */

import { escapeText } from "../../wire/foreign.ts"
import type { Attachment } from "./attachments.ts"

/** A label between quotes in Mermaid's language: what has a meaning there is written by its number, `#60;`. */
const mermaidLabel = (text: string): string =>
  escapeText(text).replaceAll(/["#&<>`;\\[\]{}|*_~%]/g, (character) => `#${character.codePointAt(0)};`)

const label = (...lines: ReadonlyArray<string | undefined>): string =>
  `"${lines
    .filter((line) => line !== undefined && line !== "")
    .map((line) => mermaidLabel(line as string))
    .join("<br/>")}"`

const podName = ({ pod }: Attachment): string | undefined =>
  pod && (pod.namespace === undefined ? pod.name : `${pod.namespace}/${pod.name}`)

const unknown = "(not seen)"

/** https://mermaid.js.org/syntax/flowchart.html; names of nodes are numbers, so that nothing from outside is one. */
export const mermaid = (attachments: ReadonlyArray<Attachment>): string => {
  const masters = [...new Set(attachments.map(({ master }) => master ?? unknown))]
  const containers = [...new Set(attachments.map(({ container }) => container))]
  const lines = ["flowchart LR", `  subgraph node["node"]`]
  for (const [index, master] of masters.entries()) lines.push(`    master${index}[${label(master)}]`)
  lines.push("  end")
  for (const [number, container] of containers.entries()) {
    const own = attachments.flatMap((attachment, index) =>
      attachment.container === container ? [{ attachment, index }] : []
    )
    const title = own.map(({ attachment }) => podName(attachment)).find((name) => name !== undefined)
    lines.push(`  subgraph container${number}[${label(title ?? container)}]`)
    for (const { attachment, index } of own) {
      lines.push(`    link${index}[${label(attachment.ifname, attachment.mac, attachment.tap?.node)}]`)
    }
    lines.push("  end")
  }
  for (const [index, { network, kind, mode, master }] of attachments.entries()) {
    const words = label(network, mode === undefined ? kind : `${kind} ${mode}`)
    lines.push(`  master${masters.indexOf(master ?? unknown)} ---|${words}| link${index}`)
  }
  return `${lines.join("\n")}\n`
}
