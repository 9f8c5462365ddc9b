/** The report of a whole run: docs/cluster.md from its second heading on. */
import { execFileSync } from "node:child_process"
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { cpus, release, totalmem } from "node:os"
import { join } from "node:path"
import { project } from "./node/space.ts"
import { goProgram } from "./parts/needs.ts"
import { part } from "./parts/parts.ts"
import type { Outcome } from "./test.ts"

const file = join(project, "docs/cluster.md")
const heading = "## The last run"

/**
 * Replaces the report, also by what a run has so far. `seconds`: how long the checks took. `partly`: only some were chosen, so
 * the others' rows stay.
 */
export const writeReport = (outcomes: ReadonlyArray<Outcome>, seconds: number, partly: boolean): void => {
  const [before = "", former = ""] = readFileSync(file, "utf8").split(`${heading}\n`)
  const rows = partly ? merged(former, outcomes) : outcomes.map(rowOf)
  const minutes = partly ? (/, in ([\d.]+) minutes/.exec(former)?.[1] ?? "0") : (seconds / 60).toFixed(1)
  const again = partly ? ` Run again on their own since: ${outcomes.map(({ check }) => check.name).join(", ")}.` : ""
  const text = `${heading}

Written by \`npm run cluster -- test --report\` on ${new Date().toISOString().slice(0, 10)}: ${countedRows(rows)}, in ${minutes} minutes.${again}

${versions()
  .map(([name, version]) => `- ${name}: ${version}`)
  .join("\n")}

| check | result | took | what is claimed | what was seen |
|---|---|---|---|---|
${rows.join("\n")}
`
  writeFileSync(file, `${before}${text}`)
}

const rowOf = ({ check, result, evidence, seconds }: Outcome): string =>
  `| ${[check.name, result, `${seconds.toFixed(0)} s`, check.claim, cell(evidence)].join(" | ")} |`

const merged = (former: string, outcomes: ReadonlyArray<Outcome>): ReadonlyArray<string> =>
  former
    .split("\n")
    .filter((line) => /^\| .* \|$/.test(line) && !line.startsWith("| check |"))
    .map((line) => {
      const anew = outcomes.find(({ check }) => line.startsWith(`| ${check.name} |`))
      return anew === undefined ? line : rowOf(anew)
    })

const countedRows = (rows: ReadonlyArray<string>): string =>
  (["passed", "failed", "skipped"] as const)
    .map((result) => `${rows.filter((row) => row.split(" | ")[1] === result).length} ${result}`)
    .join(", ")

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
