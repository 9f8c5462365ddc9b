/** One call's spans as a picture in a terminal: what was done within what, when it began, and how long it took. */
import { escapeText, shorten } from "../wire/foreign.ts"
import type { Ended } from "./Ended.ts"

/** Characters of the bars, and of the names before them. */
const barWidth = 40
const nameWidth = 58

/** A line a span, children below their parent and indented, in the order in which they began. */
export const waterfall = (spans: ReadonlyArray<Ended>): string => {
  const rows = inOrder(spans)
  const [first] = rows
  if (first === undefined) return "nothing was traced\n"
  const began = first.span.began
  const whole = Math.max(...spans.map(({ ended }) => Number(ended - began)), 1)
  const lines = rows.map(({ span, depth }) => {
    const name = `${"  ".repeat(depth)}${nameOf(span)}`
    const from = Math.min(barWidth - 1, Math.floor((Number(span.began - began) / whole) * barWidth))
    const length = Math.max(1, Math.round((Number(span.ended - span.began) / whole) * barWidth))
    const bar = `${" ".repeat(from)}${(span.failed ? "▒" : "█").repeat(Math.min(length, barWidth - from))}`
    const time = `${inMilliseconds(span.ended - span.began).padStart(9)} ms`
    return `${shorten(name, nameWidth - 1).padEnd(nameWidth)}${time}  ${bar.padEnd(barWidth)}`.trimEnd()
  })
  return `${lines.join("\n")}\n`
}

/** The same as a Gantt chart of Mermaid, whose unit is one microsecond. */
export const mermaid = (spans: ReadonlyArray<Ended>): string => {
  const rows = inOrder(spans)
  const began = rows[0]?.span.began ?? 0n
  const microseconds = (time: bigint): number => Math.round(Number(time - began) / 1000)
  const lines = rows.map(({ span, depth }, at) => {
    // A colon ends a task's name, and a semicolon a line.
    const name = `${"· ".repeat(depth)}${nameOf(span)}`.replaceAll(/[:;#,]/g, " ")
    const end = Math.max(microseconds(span.ended), microseconds(span.began) + 1)
    return `  ${name} :${span.failed ? "crit, " : ""}s${at}, ${microseconds(span.began)}, ${end}`
  })
  return `gantt\n  title ${nameOf(rows[0]?.span)} (microseconds)\n  dateFormat x\n  axisFormat %L\n${lines.join("\n")}\n`
}

interface Row {
  readonly span: Ended
  readonly depth: number
}

const inOrder = (spans: ReadonlyArray<Ended>): ReadonlyArray<Row> => {
  const known = new Set(spans.map(({ spanId }) => spanId))
  const below = (parentId: string | undefined, depth: number): ReadonlyArray<Row> =>
    spans
      .filter((span) =>
        parentId === undefined ? span.parentId === undefined || !known.has(span.parentId) : span.parentId === parentId
      )
      .sort((a, b) => Number(a.began - b.began))
      .flatMap((span) => [{ span, depth }, ...below(span.spanId, depth + 1)])
  return below(undefined, 0)
}

const nameOf = (span: Ended | undefined): string => {
  if (span === undefined) return "nothing"
  const errno = span.attributes.get("netlink.errno")
  const code = span.attributes.get("cni.error.code")
  const why = errno !== undefined ? `: ${errno}` : code !== undefined ? `: code ${code}` : ""
  return escapeText(`${span.name}${why}`)
}

const inMilliseconds = (nanoseconds: bigint): string => (Number(nanoseconds) / 1e6).toFixed(3)
