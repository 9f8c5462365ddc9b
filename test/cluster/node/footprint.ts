/** What a cluster has on the machine, so that it can be said that nothing of it is left. */
import { existsSync, readdirSync, readFileSync, readlinkSync } from "node:fs"
import { join } from "node:path"
import { hierarchies } from "./cgroups.ts"

export interface Footprint {
  /** Numbers of its processes, as the machine counts. */
  readonly processes: ReadonlyArray<number>
  /** Its namespaces: `net:[4026532281]`. */
  readonly namespaces: ReadonlyArray<string>
}

/** The processes in the cluster's control groups, and the namespaces that they are in and the machine's first is not. */
export const footprintOf = (name: string): Footprint => {
  const groups = hierarchies().map((root) => join(root, name))
  const processes = [...new Set(groups.flatMap(processesBelow))]
  const own = new Set(namespacesOf(process.pid))
  const namespaces = new Set(processes.flatMap(namespacesOf).filter((one) => !own.has(one)))
  return { processes, namespaces: [...namespaces] }
}

const processesBelow = (group: string): ReadonlyArray<number> => {
  if (!existsSync(group)) return []
  const here = readFileSync(join(group, "cgroup.procs"), "utf8").trim().split("\n")
  const below = readdirSync(group, { withFileTypes: true }).filter((entry) => entry.isDirectory())
  return [...here.filter(Boolean).map(Number), ...below.flatMap((entry) => processesBelow(join(group, entry.name)))]
}

/** Empty for a process that is gone. */
const namespacesOf = (pid: number): ReadonlyArray<string> => {
  try {
    return readdirSync(`/proc/${pid}/ns`).map((kind) => readlinkSync(`/proc/${pid}/ns/${kind}`))
  } catch {
    return []
  }
}

/** What of it there still is, in words: processes, namespaces, mounts, control groups, taps, the state's folder. */
export const leftOf = (name: string, state: string, before: Footprint, taps: ReadonlyArray<string>) => {
  const all = readdirSync("/proc").filter((entry) => /^\d+$/.test(entry))
  const lived = new Set(before.namespaces)
  const inNamespaces = all.flatMap((pid) =>
    namespacesOf(Number(pid))
      .filter((one) => lived.has(one))
      .map((one) => `process ${pid} in ${one}`)
  )
  const mounts = all.flatMap((pid) => mountsOf(pid).filter((line) => line.includes(name)))
  const groups = hierarchies()
    .map((root) => join(root, name))
    .filter(existsSync)
  const devices = readdirSync("/sys/dev/char").map((number) => readlinkSync(`/sys/dev/char/${number}`))
  return [
    ...new Set([
      ...inNamespaces,
      ...mounts.map((line) => `mount ${line}`),
      ...groups,
      ...devices.filter((target) => taps.some((tap) => target.endsWith(`/${tap}`))),
      ...taps.map((tap) => `/dev/${tap}`).filter(existsSync),
      ...[state].filter(existsSync)
    ])
  ]
}

const mountsOf = (pid: string): ReadonlyArray<string> => {
  try {
    return readFileSync(`/proc/${pid}/mountinfo`, "utf8").split("\n")
  } catch {
    return []
  }
}
