/** The report of a whole run: docs/cluster.md from its second heading on. */
import { execFileSync } from "node:child_process"
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { cpus, release, totalmem } from "node:os"
import { join } from "node:path"
import { project } from "./node/space.ts"
import { goProgram } from "./parts/needs.ts"
import { part } from "./parts/parts.ts"
import { counted, type Outcome } from "./test.ts"

const file = join(project, "docs/cluster.md")
const heading = "## The last run"

/** Replaces the report, also by what a run has so far. `seconds`: how long the checks took. */
export const writeReport = (outcomes: ReadonlyArray<Outcome>, seconds: number): void => {
  const [before = ""] = readFileSync(file, "utf8").split(`${heading}\n`)
  const rows = outcomes.map(({ check, result, evidence, seconds: took }) =>
    [check.name, result, `${took.toFixed(0)} s`, check.claim, cell(evidence)].join(" | ")
  )
  const text = `${heading}

Written by \`npm run cluster -- test --report\` on ${new Date().toISOString().slice(0, 10)}: ${counted(outcomes)}, in ${(seconds / 60).toFixed(1)} minutes.

${versions()
  .map(([name, version]) => `- ${name}: ${version}`)
  .join("\n")}

| check | result | took | what is claimed | what was seen |
|---|---|---|---|---|
${rows.map((row) => `| ${row} |`).join("\n")}
`
  writeFileSync(file, `${before}${text}`)
}

/** Fit for a table: one line without bars, not longer than a person reads. */
const cell = (text: string): string => {
  const line = text.replace(/\s+/g, " ").replaceAll("|", "\\|").replaceAll("<", "&lt;").replaceAll("*", "\\*")
  return line.length > 700 ? `${line.slice(0, 700)} …` : line
}

const firstLine = (command: string, ...words: ReadonlyArray<string>): string =>
  execFileSync(command, words, { encoding: "utf8" }).split("\n")[0] ?? ""

const versions = (): ReadonlyArray<readonly [string, string]> => [
  ["Kubernetes", `${part("kubernetes").version}; the oldest kubelet ${part("oldest-kubelet").version}`],
  ["Multus", part("multus").version],
  ["reference plugins", part("plugins").version],
  ["Go", firstLine(goProgram(), "env", "GOVERSION")],
  ["containerd", firstLine("containerd", "--version").split(" ")[2] ?? ""],
  ["runc", firstLine("runc", "--version").replace("runc version ", "")],
  ["etcd", firstLine("etcd", "--version").replace("etcd Version: ", "")],
  ["kernel", `${release()}, cgroup ${existsSync("/sys/fs/cgroup/cgroup.controllers") ? "v2" : "v1"}`],
  ["machine", `${cpus().length} processors, ${(totalmem() / 2 ** 30).toFixed(0)} GiB`]
]
