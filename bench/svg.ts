/** As much of SVG as the charts need. Colours are for light and for dark pages; texts are texts, so that they stay sharp. */

const style = `
  text { font: 13px system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; fill: #1f2328 }
  .title { font-weight: 600; font-size: 15px }
  .small { font-size: 12px; fill: #59636e }
  .card { fill: #ffffff; stroke: #d1d9e0 }
  .grid { stroke: #d1d9e0; stroke-width: 1 }
  .whisker { stroke: #1f2328; stroke-width: 1.2 }
  .line { fill: none; stroke-width: 2.5 }
  .c0 { fill: #0969da; stroke: #0969da } .c1 { fill: #bf8700; stroke: #bf8700 } .c2 { fill: #8250df; stroke: #8250df }
  .c3 { fill: #1a7f37; stroke: #1a7f37 } .c4 { fill: #cf222e; stroke: #cf222e } .c5 { fill: #6e7781; stroke: #6e7781 }
  .c6 { fill: #c8d1da; stroke: #c8d1da }
  .bar { stroke: none } .line.line { fill: none }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc } .small { fill: #9198a1 } .card { fill: #0d1117; stroke: #3d444d } .grid { stroke: #3d444d }
    .whisker { stroke: #f0f6fc }
    .c0 { fill: #4493f8; stroke: #4493f8 } .c1 { fill: #d29922; stroke: #d29922 } .c2 { fill: #ab7df8; stroke: #ab7df8 }
    .c3 { fill: #3fb950; stroke: #3fb950 } .c4 { fill: #f85149; stroke: #f85149 } .c5 { fill: #9198a1; stroke: #9198a1 }
    .c6 { fill: #515962; stroke: #515962 }
    .bar { stroke: none } .line.line { fill: none }
  }
`

const escaped = (text: string): string => text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`)

const number = (value: number): string => String(Math.round(value * 100) / 100)

export const text = (
  x: number,
  y: number,
  words: string,
  { className = "", anchor = "start" }: { className?: string; anchor?: "start" | "middle" | "end" } = {}
): string =>
  `<text x="${number(x)}" y="${number(y)}" text-anchor="${anchor}"${className === "" ? "" : ` class="${className}"`}>${escaped(words)}</text>`

export const bar = (x: number, y: number, width: number, height: number, colour: number, tip: string): string =>
  `<rect class="c${colour} bar" x="${number(x)}" y="${number(y)}" width="${number(Math.max(width, 0))}" height="${height}"><title>${escaped(tip)}</title></rect>`

export const line = (x1: number, y1: number, x2: number, y2: number, className: string): string =>
  `<line class="${className}" x1="${number(x1)}" y1="${number(y1)}" x2="${number(x2)}" y2="${number(y2)}"/>`

export const curve = (points: ReadonlyArray<readonly [number, number]>, colour: number): string =>
  [
    `<polyline class="c${colour} line" points="${points.map(([x, y]) => `${number(x)},${number(y)}`).join(" ")}"/>`,
    ...points.map(([x, y]) => `<circle class="c${colour} bar" cx="${number(x)}" cy="${number(y)}" r="4"/>`)
  ].join("\n")

/** A whole picture; `description` is read aloud in its place. */
export const picture = (width: number, height: number, description: string, parts: ReadonlyArray<string>): string =>
  [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">`,
    `<title>${escaped(description)}</title>`,
    `<style>${style}</style>`,
    `<rect class="card" x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="6"/>`,
    ...parts,
    "</svg>",
    ""
  ].join("\n")

/** Round numbers from 0 to at least `most`, five steps or so. */
export const ticks = (most: number): ReadonlyArray<number> => {
  const rough = most / 5
  const magnitude = 10 ** Math.floor(Math.log10(rough))
  const step = ([1, 2, 5, 10].find((factor) => factor * magnitude >= rough) ?? 10) * magnitude
  return Array.from({ length: Math.ceil(most / step) + 1 }, (_, index) => Number((index * step).toPrecision(6)))
}
