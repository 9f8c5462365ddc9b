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

/** What of a cluster there is on the machine, by kind. */
export type Traces = Readonly<
  Record<"processes" | "mounts" | "control groups" | "taps" | "folders", ReadonlyArray<string>>
>

/** What of it there still is: processes in namespaces that it had, mounts with its name in any namespace, and so on. */
export const tracesOf = (
  name: string,
  state: string,
  { namespaces }: Footprint,
  taps: ReadonlyArray<string>
): Traces => {
  const all = readdirSync("/proc").filter((entry) => /^\d+$/.test(entry))
  const lived = new Set(namespaces)
  const devices = readdirSync("/sys/dev/char").map(deviceOf)
  return {
    processes: all.filter((pid) => namespacesOf(Number(pid)).some((one) => lived.has(one))),
    mounts: [...new Set(all.flatMap(mountsOf).filter((line) => line.includes(name)))],
    "control groups": hierarchies()
      .map((root) => join(root, name))
      .filter(existsSync),
    taps: [
      ...devices.filter((target) => taps.some((tap) => target.endsWith(`/${tap}`))),
      ...taps.map((tap) => `/dev/${tap}`).filter(existsSync)
    ],
    folders: [state].filter(existsSync)
  }
}

/** Which device has the number; empty for one that is gone meanwhile. */
const deviceOf = (number: string): string => {
  try {
    return readlinkSync(`/sys/dev/char/${number}`)
  } catch {
    return ""
  }
}

/** `26 processes, 180 mounts, …` */
export const countsOf = (traces: Traces): string =>
  Object.entries(traces)
    .map(([kind, found]) => `${found.length} ${kind}`)
    .join(", ")

const mountsOf = (pid: string): ReadonlyArray<string> => {
  try {
    return readFileSync(`/proc/${pid}/mountinfo`, "utf8").split("\n")
  } catch {
    return []
  }
}
