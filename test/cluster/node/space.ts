/** The namespaces that the cluster lives in: made, entered, taken away. All of it dies with its first process. */
import { spawn } from "node:child_process"
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { type RunOptions, type RunResult, run, until } from "../../lab/run.ts"
import { cache } from "../parts/parts.ts"
import { makeGroups, removeGroups } from "./cgroups.ts"
import { footprintOf } from "./footprint.ts"

/** Of the cluster's control groups and state: two clusters that are up at once are named differently. */
export const clusterName = process.env["MACVTAP_CLUSTER"] ?? "macvtap-cluster"

/** What the cluster has outside its namespaces: its number, configuration and logs. The same path inside. */
export const state = `/run/${clusterName}`

/** The project's folder, seen inside at the same path. */
export const project = fileURLToPath(new URL("../../..", import.meta.url)).replace(/\/$/, "")

const pidFile = join(state, "pid")

/** When a process began, in ticks since the machine's start, so that its number is not mistaken for another's. */
const beginOf = (pid: number): string | undefined => {
  try {
    return readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ")[19]
  } catch {
    return undefined
  }
}

/** The number of the cluster's first process, as the machine counts; undefined where there is no cluster. */
export const firstProcess = (): number | undefined => {
  if (!existsSync(pidFile)) return undefined
  const [pid, begin] = readFileSync(pidFile, "utf8").trim().split(" ")
  return begin !== undefined && beginOf(Number(pid)) === begin ? Number(pid) : undefined
}

/** Makes the namespaces; throws with the script's own words where it fails. */
export const makeSpace = async (): Promise<void> => {
  for (const folder of ["", "logs", "pids", "files"]) mkdirSync(join(state, folder), { recursive: true, mode: 0o755 })
  mkdirSync(cache, { recursive: true })
  const join_ = 'for file in $1; do echo $$ >"$file"; done; shift; exec "$@"'
  const kinds = ["--mount", "--net", "--pid", "--ipc", "--uts", "--cgroup"]
  const script = fileURLToPath(new URL("./space.sh", import.meta.url))
  const log = join(state, "logs/space.log")
  const words = ["unshare", ...kinds, "--fork", "--kill-child", "sh", script, state, cache, project]
  const wrapped = `exec >>${log} 2>&1; ${join_}`
  const child = spawn("sh", ["-c", wrapped, clusterName, makeGroups(clusterName).join("\n"), ...words], {
    detached: true,
    stdio: "ignore"
  })
  child.unref()
  await until(
    "the cluster's namespaces are made",
    () => {
      if (child.exitCode !== null) throw new Error(`space.sh: ${readFileSync(log, "utf8")}`)
      const first = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, "utf8").trim()
      if (first !== "") writeFileSync(pidFile, `${first} ${beginOf(Number(first))}\n`)
      return existsSync(join(state, "made"))
    },
    20_000
  )
}

/** What has to stand before a command to run in the cluster's namespaces, on its node. */
export const enter = (): ReadonlyArray<string> => {
  const pid = firstProcess()
  if (pid === undefined) throw new Error("no cluster is up: npm run cluster -- up")
  return ["nsenter", "--target", String(pid), "--mount", "--net", "--pid", "--ipc", "--uts", "--cgroup", "--"]
}

/** Runs a command on the node to its end. */
export const inside = (words: ReadonlyArray<string>, options: RunOptions = {}): Promise<RunResult> => {
  const [command = "", ...rest] = [...enter(), ...words]
  return run(command, rest, options)
}

/** The same, for what has to succeed; its stdout. */
export const mustInside = async (words: ReadonlyArray<string>, options: RunOptions = {}): Promise<string> => {
  const result = await inside(words, options)
  if (result.status !== 0) {
    throw new Error(`${words.join(" ")}: status ${result.status}\n${result.stdout}${result.stderr}`)
  }
  return result.stdout
}

/** Ends every process of the cluster and takes away what it leaves on the machine. Throws where something stays. */
export const removeSpace = async (): Promise<void> => {
  const pid = firstProcess()
  if (pid !== undefined) {
    process.kill(pid, "SIGKILL")
    await until("the cluster's first process is gone", () => firstProcess() === undefined, 30_000)
  }
  await until(
    "the cluster's control groups are empty",
    () => {
      // Also where `up` was killed before it had written down who the first is.
      for (const one of footprintOf(clusterName).processes) killOne(one)
      return removeGroups(clusterName).length === 0
    },
    30_000
  )
  rmSync(state, { recursive: true, force: true })
}

/** SIGKILL; one that is gone already is no matter. */
const killOne = (pid: number): void => {
  try {
    process.kill(pid, "SIGKILL")
  } catch {}
}
