/** Puts the results where people look: bench/results.json, the charts, and the tables between markers. */
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { coldChart, growthChart, phasesChart } from "./charts.ts"
import type { Results } from "./results.ts"
import * as tables from "./tables.ts"

/** `text` with what stands between `<!-- name -->` and `<!-- /name -->` replaced; as it was where there is no such pair. */
export const between = (text: string, name: string, content: string): string => {
  const [open, close] = [`<!-- ${name} -->`, `<!-- /${name} -->`]
  const [from, to] = [text.indexOf(open), text.indexOf(close)]
  return from < 0 || to < from ? text : `${text.slice(0, from + open.length)}\n\n${content}\n\n${text.slice(to)}`
}

/** By the names of their markers in bench/README.md. */
const sections = (results: Results): Readonly<Record<string, string | undefined>> => ({
  surroundings: tables.surroundingsText(results),
  targets: tables.targetsTable(results),
  remains: tables.remainsText(results),
  wall: tables.wallTable(results),
  kernel: tables.kernelTable(results),
  cpu: tables.cpuTable(results),
  memory: tables.memoryTable(results),
  phases: tables.phasesTable(results),
  requests: tables.askedTable(results),
  links: tables.linksTable(results),
  "at-once": tables.atOnceTable(results),
  gc: tables.gcText(results),
  burst: tables.burstTable(results),
  resident: tables.residentText(results),
  devices: tables.devicesTable(results),
  warming: tables.warmingText(results),
  tracing: tables.tracingTable(results)
})

const rewrite = (file: string, contents: Readonly<Record<string, string | undefined>>): void => {
  if (!existsSync(file)) return
  const before = readFileSync(file, "utf8")
  const after = Object.entries(contents).reduce(
    (text, [name, content]) => between(text, name, content ?? "Not measured in this run."),
    before
  )
  if (after !== before) writeFileSync(file, after)
}

/** Gives the files that it wrote or would have written. */
export const write = (root: string, results: Results): ReadonlyArray<string> => {
  const bench = join(root, "bench")
  writeFileSync(join(bench, "results.json"), `${JSON.stringify(results, undefined, 2)}\n`)
  const charts = { cold: coldChart(results), phases: phasesChart(results), growth: growthChart(results) }
  for (const [name, chart] of Object.entries(charts)) {
    if (chart !== undefined) writeFileSync(join(bench, `${name}.svg`), chart)
  }
  rewrite(join(bench, "README.md"), sections(results))
  rewrite(join(root, "README.md"), { headlines: tables.headlines(results) })
  return ["bench/results.json", "bench/*.svg", "bench/README.md", "README.md"]
}
