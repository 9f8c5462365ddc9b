/** What the machine has to have, and how to get what it has not. */
import { spawnSync } from "node:child_process"
import { existsSync } from "node:fs"
import { delimiter, join } from "node:path"

/** The oldest Go that is looked for; its toolchain line fetches a newer one where the modules ask for it. */
const oldestGo = 25

const debianPackages: Readonly<Record<string, string>> = {
  containerd: "containerd",
  ctr: "containerd",
  runc: "runc",
  etcd: "etcd-server",
  busybox: "busybox-static",
  ip: "iproute2",
  unshare: "util-linux",
  nsenter: "util-linux",
  mount: "mount",
  tar: "tar"
}

const folders = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/local/go/bin", "/usr/lib/go/bin", "/usr/sbin"]

const find = (name: string): string | undefined =>
  folders.map((folder) => join(folder, name)).find((path) => existsSync(path))

/** The `go` on the PATH, or where its own archive puts it. */
export const goProgram = (): string => find("go") ?? "go"

const goMinor = (): number => {
  const { stdout } = spawnSync(goProgram(), ["env", "GOVERSION"], { encoding: "utf8" })
  return Number(/^go1\.(\d+)/.exec(stdout ?? "")?.[1] ?? 0)
}

/** A line for each thing that is missing, with what to do; empty where all is there. */
export const missing = (): ReadonlyArray<string> => {
  const needs: Array<string> = []
  if (process.getuid?.() !== 0) needs.push("root: namespaces, mounts and cgroups are made; call it with sudo")
  const packages = Object.entries(debianPackages).filter(([name]) => find(name) === undefined)
  if (packages.length > 0) {
    const names = packages.map(([name]) => name).join(", ")
    needs.push(`${names}: apt-get install ${[...new Set(packages.map(([, from]) => from))].join(" ")}`)
  }
  return [...needs, ...lacksGo()]
}

/** The same of Go alone. */
export const lacksGo = (): ReadonlyArray<string> => {
  const go = goMinor()
  const found = go === 0 ? "there is none" : `here is 1.${go}`
  return go >= oldestGo ? [] : [`Go 1.${oldestGo} or newer (${found}): https://go.dev/dl, unpacked to /usr/local/go`]
}
