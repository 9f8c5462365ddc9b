/** The project's own DaemonSet, as it stands in deploy/: what its processes may do, and what memory they take. */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { parseAllDocuments } from "yaml"
import { mustInside, project } from "../node/space.ts"
import { getJson } from "../pods/kubectl.ts"
import { taskOf } from "../pods/pods.ts"
import { assert, assertSame, type Check } from "./Check.ts"

interface Container {
  readonly name: string
  readonly securityContext?: {
    readonly capabilities?: { readonly add?: ReadonlyArray<string> }
    readonly readOnlyRootFilesystem?: boolean
    readonly allowPrivilegeEscalation?: boolean
  }
  readonly resources?: {
    readonly limits?: { readonly memory?: string }
    readonly requests?: { readonly memory?: string }
  }
}

interface DaemonSet {
  readonly kind: string
  readonly spec: { readonly template: { readonly spec: { readonly containers: ReadonlyArray<Container> } } }
}

const containersOfManifest = (): ReadonlyArray<Container> => {
  const documents = parseAllDocuments(readFileSync(join(project, "deploy/macvtap-cni.yaml"), "utf8"))
  const found = documents.map((document) => document.toJS() as DaemonSet).find(({ kind }) => kind === "DaemonSet")
  assert(found !== undefined, "deploy/macvtap-cni.yaml has no DaemonSet")
  return found.spec.template.spec.containers
}

/** Bits of the capabilities that containers of the project ask for; linux/capability.h. */
const bits: Readonly<Record<string, number>> = {
  CHOWN: 0,
  DAC_OVERRIDE: 1,
  DAC_READ_SEARCH: 2,
  FOWNER: 3,
  KILL: 5,
  NET_BIND_SERVICE: 10,
  NET_ADMIN: 12,
  NET_RAW: 13,
  SYS_PTRACE: 19,
  SYS_ADMIN: 21,
  MKNOD: 27
}

const maskOf = (names: ReadonlyArray<string>): string => {
  const mask = names.reduce((sum, name) => {
    const bit = bits[name]
    assert(bit !== undefined, `the bit of ${name} is not known here`)
    return sum | (1n << BigInt(bit))
  }, 0n)
  return mask.toString(16).padStart(16, "0")
}

/** `256Mi` as bytes. */
const bytesOf = (quantity: string): number => {
  const [, number, unit] = /^(\d+)(Ki|Mi|Gi)$/.exec(quantity) ?? []
  assert(number !== undefined, `${quantity} is no size with Ki, Mi or Gi`)
  return Number(number) * { Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30 }[unit as "Ki" | "Mi" | "Gi"]
}

interface Pods {
  readonly items: ReadonlyArray<{
    readonly status: {
      readonly containerStatuses: ReadonlyArray<{ name: string; containerID: string; restartCount: number }>
    }
  }>
}

/** A container of the project's, as it runs: its process's number, and how often it was started again. */
export const running = async (container: string): Promise<{ readonly pid: string; readonly restarts: number }> => {
  const { items } = await getJson<Pods>("pods -n macvtap-cni -l app.kubernetes.io/name=macvtap-cni")
  const status = items[0]?.status.containerStatuses.find(({ name }) => name === container)
  assert(status !== undefined, `the DaemonSet's pod has no container ${container}`)
  return { pid: await taskOf(status.containerID.replace("containerd://", "")), restarts: status.restartCount }
}

/** A file of the control group that a process is in, by controller. */
export const memoryOf = async (pid: string, file: { readonly v1: string; readonly v2: string }): Promise<number> => {
  const script = `group=$(sed -n 's/^[0-9]*:memory://p' /proc/${pid}/cgroup)
    if [ -n "$group" ]; then cat "/sys/fs/cgroup/memory$group/${file.v1}"
    else cat "/sys/fs/cgroup$(sed -n 's/^0:://p' /proc/${pid}/cgroup)/${file.v2}"; fi`
  return Number((await mustInside(["sh", "-c", script])).trim())
}

export const peak = { v1: "memory.max_usage_in_bytes", v2: "memory.peak" }

export const mebibytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`

const rights: Check = {
  name: "manifests: rights",
  short: true,
  claim:
    "Each container of the DaemonSet has the capabilities that the manifest adds, and not one more, no way to new ones unless it says so, a seccomp filter and a root that it cannot write.",
  prove: async () => {
    const lines: Array<string> = []
    for (const { name, securityContext } of containersOfManifest()) {
      const { pid } = await running(name)
      const status = await mustInside(["cat", `/proc/${pid}/status`])
      const field = (key: string): string => new RegExp(`^${key}:\\s*(\\S+)`, "m").exec(status)?.[1] ?? ""
      const wanted = maskOf(securityContext?.capabilities?.add ?? [])
      assertSame(`${name}: CapEff, CapBnd`, [field("CapEff"), field("CapBnd")], [wanted, wanted])
      const locked = securityContext?.allowPrivilegeEscalation === false ? "1" : "0"
      assertSame(`${name}: NoNewPrivs, Seccomp`, [field("NoNewPrivs"), field("Seccomp")], [locked, "2"])
      const root = await mustInside(["sh", "-c", `awk '$2 == "/" { print $4 }' /proc/${pid}/mounts`])
      assert(root.startsWith("ro"), `${name}'s root is mounted ${root}`)
      lines.push(`${name}: CapEff ${wanted}, NoNewPrivs ${locked}, seccomp, root read-only`)
    }
    return lines.join("; ")
  }
}

const memory: Check = {
  name: "manifests: memory",
  claim:
    "No container has taken more memory than the manifest requests for it, counted by its control group at its peak; none was started again.",
  prove: async () => {
    const lines: Array<string> = []
    for (const { name, resources } of containersOfManifest()) {
      const { pid, restarts } = await running(name)
      const [taken, asked] = [await memoryOf(pid, peak), resources?.requests?.memory ?? "0Mi"]
      lines.push(`${name}: ${mebibytes(taken)} of ${asked}, ${restarts} restarts`)
      assert(taken <= bytesOf(asked), `${name} took ${mebibytes(taken)} and requests ${asked}`)
    }
    return lines.join("; ")
  }
}

export const manifestChecks: ReadonlyArray<Check> = [rights]
/** Asked when everything else has been done to them. */
export const memoryChecks: ReadonlyArray<Check> = [memory]
