/** The charts of bench/README.md. */
import type { Command } from "./call.ts"
import { phaseNames } from "./phases.ts"
import type { Results } from "./results.ts"
import { bar, curve, line, picture, text, ticks } from "./svg.ts"

const width = 860
const left = 312
const right = 150

interface Row {
  readonly label: string
  readonly value: number
  readonly colour: number
  readonly note: string
  readonly range?: readonly [number, number]
}

/** A group of horizontal bars; gives its parts and where it ends. */
const bars = (top: number, title: string, rows: ReadonlyArray<Row>, most: number) => {
  const scale = (value: number): number => left + ((width - left - right) * value) / most
  const parts = [text(24, top + 16, title, { className: "title" })]
  let y = top + 28
  for (const { label, value, colour, note, range } of rows) {
    parts.push(
      text(left - 12, y + 15, label, { anchor: "end" }),
      bar(left, y + 2, scale(value) - left, 17, colour, note)
    )
    if (range !== undefined) parts.push(line(scale(range[0]), y + 10.5, scale(range[1]), y + 10.5, "whisker"))
    parts.push(text(Math.max(scale(value), scale(range?.[1] ?? 0)) + 8, y + 15, note))
    y += 24
  }
  return { parts, end: y + 14 }
}

const colours: Readonly<Record<string, number>> = {
  go: 1,
  plugin: 0,
  client: 4,
  moving: 2,
  floor: 3,
  floorMoving: 3,
  empty: 5,
  nothing: 5
}

/** Wall times of cold calls. */
export const coldChart = ({ cold, names }: Results): string => {
  const groups: ReadonlyArray<readonly [Command, ReadonlyArray<string>]> = [
    ["ADD", ["go", "client", "plugin", "moving", "floor"]],
    ["CHECK", ["go", "client", "plugin", "floor"]],
    ["DEL", ["go", "client", "plugin", "floor"]],
    ["VERSION", ["go", "client", "empty", "plugin"]]
  ]
  const rowsOf = (command: Command, keys: ReadonlyArray<string>): ReadonlyArray<Row> =>
    keys.flatMap((key) => {
      const measured = cold[key]?.[command]
      if (measured === undefined) return []
      const ratio =
        key === "go" ? " (1 ×)" : measured.againstGo === undefined ? "" : ` (${measured.againstGo.ratio.toFixed(2)} ×)`
      const { median, p10, p90 } = measured.wall
      return [
        {
          label: names[key] ?? key,
          value: median,
          colour: colours[key] ?? 5,
          note: `${median.toFixed(1)} ms${ratio}`,
          range: [p10, p90] as const
        }
      ]
    })
  const all = groups.map(([command, keys]) => ({ command, rows: rowsOf(command, keys) }))
  const most = Math.max(...all.flatMap(({ rows }) => rows.map(({ range, value }) => range?.[1] ?? value)))
  const parts: Array<string> = []
  let y = 16
  for (const { command, rows } of all) {
    const group = bars(y, command, rows, most)
    parts.push(...group.parts)
    y = group.end
  }
  parts.push(
    text(
      24,
      y + 10,
      "Median wall time, with the ratio to Go's macvlan in the same rounds; the thin line spans the 10th to the 90th percentile.",
      {
        className: "small"
      }
    )
  )
  return picture(width, y + 28, "Wall times of cold calls, as the table of wall times has them", parts)
}

/** Where the time of a call goes. */
export const phasesChart = ({ phases }: Results): string | undefined => {
  if (phases === undefined) return undefined
  const keys = Object.keys(phaseNames) as ReadonlyArray<keyof typeof phaseNames>
  const colour: Readonly<Record<string, number>> = { start: 5, modules: 2, code: 0, sockets: 1, kernel: 3, exit: 4 }
  const order = ["VERSION", "ADD", "CHECK", "DEL"] as const
  const most = Math.max(...order.map((command) => phases[command].wall))
  const from = 190
  const scale = (value: number): number => ((width - from - 90) * value) / most
  const parts: Array<string> = []
  keys.forEach((key, index) => {
    const x = 24 + (index % 3) * 276
    const y = 18 + Math.floor(index / 3) * 24
    parts.push(bar(x, y, 14, 14, colour[key] ?? 5, phaseNames[key]), text(x + 22, y + 12, phaseNames[key]))
  })
  let y = 82
  for (const command of order) {
    const { go } = phases[command]
    parts.push(text(from - 12, y + 17, `macvtap ${command}`, { anchor: "end" }))
    let x = from
    for (const key of keys) {
      const value = phases[command][key]
      parts.push(
        bar(x, y, scale(value), 24, colour[key] ?? 5, `${command}, ${phaseNames[key]}: ${value.toFixed(2)} ms`)
      )
      x += Math.max(scale(value), 0)
    }
    parts.push(text(x + 8, y + 17, `${phases[command].wall.toFixed(1)} ms`))
    if (go !== undefined) {
      parts.push(
        text(from - 12, y + 40, "Go's macvlan, all of it", { anchor: "end", className: "small" }),
        bar(from, y + 30, scale(go), 12, 6, `Go's macvlan ${command}: ${go.toFixed(2)} ms`),
        text(from + scale(go) + 8, y + 40, `${go.toFixed(1)} ms`, { className: "small" })
      )
    }
    y += 60
  }
  return picture(width, y + 4, "Where the time of a cold call goes, as the table of phases has it", parts)
}

interface Series {
  readonly name: string
  readonly colour: number
  readonly points: ReadonlyArray<readonly [number, number]>
}

/** Curves over `xs`, which stand at equal distances: they are no scale, and are written below. */
const plot = (
  x: number,
  title: string,
  below: string,
  labels: ReadonlyArray<string>,
  series: ReadonlyArray<Series>
): ReadonlyArray<string> => {
  const [wide, high, top] = [320, 200, 74]
  const marks = ticks(Math.max(...series.flatMap(({ points }) => points.map(([, y]) => y))))
  const most = marks.at(-1) ?? 1
  const px = (index: number): number => x + 50 + (wide * index) / Math.max(labels.length - 1, 1)
  const py = (value: number): number => top + high - (high * value) / most
  return [
    text(x + 10, 28, title, { className: "title" }),
    text(x + 10, 48, "milliseconds, median", { className: "small" }),
    ...marks.flatMap((mark) => [
      line(x + 50, py(mark), x + 50 + wide, py(mark), "grid"),
      text(x + 42, py(mark) + 4, String(mark), { anchor: "end", className: "small" })
    ]),
    ...labels.map((label, index) => text(px(index), top + high + 20, label, { anchor: "middle", className: "small" })),
    text(x + 50 + wide / 2, top + high + 42, below, { anchor: "middle", className: "small" }),
    ...series.map(({ points, colour }) =>
      curve(
        points.map(([index, value]) => [px(index), py(value)] as const),
        colour
      )
    )
  ]
}

/** How an ADD's cost grows. */
export const growthChart = ({ links, atOnce }: Results): string | undefined => {
  if (links === undefined || atOnce === undefined) return undefined
  const series = (name: string, colour: number, values: ReadonlyArray<number | undefined>): ReadonlyArray<Series> => {
    const points = values.flatMap((value, index) => (value === undefined ? [] : [[index, value] as const]))
    return points.length === 0 ? [] : [{ name, colour, points }]
  }
  const parts = [
    ...plot(
      14,
      "An ADD, beside other links",
      "other links on the host, and as many in the container",
      links.map((point) => point.links.toLocaleString("en")),
      [
        ...series(
          "macvtap",
          0,
          links.map(({ plugin }) => plugin)
        ),
        ...series(
          "Go's macvlan",
          1,
          links.map(({ go }) => go)
        ),
        ...series(
          "long-lived",
          3,
          links.map(({ floor }) => floor)
        )
      ]
    ),
    ...plot(
      446,
      "An ADD's share, when many start at once",
      "ADDs at once; until the last has ended, for each",
      atOnce.map(({ calls }) => String(calls)),
      [
        ...series(
          "macvtap",
          0,
          atOnce.map(({ plugin, calls }) => plugin && plugin.add / calls)
        ),
        ...series(
          "Go's macvlan",
          1,
          atOnce.map(({ go, calls }) => go && go.add / calls)
        ),
        ...series(
          "client and agent",
          2,
          atOnce.map(({ client, calls }) => client && client.add / calls)
        ),
        ...series(
          "client and agent, created and moved",
          4,
          atOnce.map(({ movingClient, calls }) => movingClient && movingClient.add / calls)
        )
      ]
    )
  ]
  const legend = (x: number, colour: number, words: string): string =>
    `${bar(x, 334, 14, 14, colour, words)}${text(x + 22, 346, words)}`
  parts.push(
    legend(64, 0, "macvtap, standalone"),
    legend(240, 1, "Go's macvlan"),
    legend(370, 3, "the same in one long-lived process"),
    legend(64 + 576, 2, "client and agent"),
    `<g transform="translate(0 24)">${legend(64, 4, "client and agent, created on the host and moved")}</g>`
  )
  return picture(width, 390, "How the cost of an ADD grows, as the tables of links and of calls at once have it", parts)
}
