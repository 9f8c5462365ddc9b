/** The cluster's processes: what each one is, how it is called, where it logs; started and killed one by one. */
import { spawn } from "node:child_process"
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { until } from "../../lab/run.ts"
import { type PartName, program } from "../parts/parts.ts"
import { certificates, files, kubeconfig, logs, node } from "./files.ts"
import { enter, inside, state } from "./space.ts"

export type ComponentName =
  | "etcd"
  | "kube-apiserver"
  | "kube-controller-manager"
  | "kube-scheduler"
  | "containerd"
  | "kubelet"

/** In the order in which they start. */
export const componentNames: ReadonlyArray<ComponentName> = [
  "etcd",
  "kube-apiserver",
  "kube-controller-manager",
  "kube-scheduler",
  "containerd",
  "kubelet"
]

const inFiles = (name: string): string => join(files, name)

/** Where a component logs. */
export const logOf = (name: ComponentName): string => join(logs, `${name}.log`)

const pidOf = (name: ComponentName): string => join(state, "pids", name)

/** The words that start a component. `kubernetes` may be another part of the same shape, for an older kubelet. */
const commandOf = (name: ComponentName, kubelet: PartName): ReadonlyArray<string> => {
  const kube = (which: string): string => program("kubernetes", which)
  switch (name) {
    case "etcd":
      return [
        "etcd",
        "--data-dir=/var/lib/containerd/etcd",
        "--listen-client-urls=http://127.0.0.1:2379",
        "--advertise-client-urls=http://127.0.0.1:2379",
        "--listen-peer-urls=http://127.0.0.1:2380"
      ]
    case "kube-apiserver":
      return [
        kube(name),
        "--etcd-servers=http://127.0.0.1:2379",
        "--secure-port=443",
        `--advertise-address=${node.address}`,
        "--service-cluster-ip-range=10.96.0.0/16",
        `--cert-dir=${certificates}`,
        `--token-auth-file=${inFiles("tokens.csv")}`,
        "--authorization-mode=Node,RBAC",
        "--allow-privileged=true",
        "--kubelet-preferred-address-types=InternalIP",
        "--service-account-issuer=https://kubernetes.default.svc",
        `--service-account-key-file=${inFiles("service-accounts.pub")}`,
        `--service-account-signing-key-file=${inFiles("service-accounts.key")}`
      ]
    case "kube-controller-manager":
      return [
        kube(name),
        `--kubeconfig=${kubeconfig(name)}`,
        "--leader-elect=false",
        `--root-ca-file=${certificates}/apiserver.crt`,
        `--service-account-private-key-file=${inFiles("service-accounts.key")}`
      ]
    case "kube-scheduler":
      return [kube(name), `--kubeconfig=${kubeconfig(name)}`, "--leader-elect=false"]
    case "containerd":
      return ["containerd", "--config", inFiles("containerd.toml")]
    case "kubelet":
      return [
        program(kubelet, "kubelet"),
        `--config=${inFiles("kubelet.json")}`,
        `--kubeconfig=${kubeconfig(name)}`,
        `--hostname-override=${node.name}`,
        `--node-ip=${node.address}`,
        "--v=2"
      ]
  }
}

const service = fileURLToPath(new URL("./service.sh", import.meta.url))

/** Starts a component in the cluster's namespaces and group, again whenever it ends, and does not wait for what it does. */
export const start = (name: ComponentName, kubelet: PartName = "kubernetes"): void => {
  const words = [...enter(), "sh", service, pidOf(name), logOf(name), ...commandOf(name, kubelet)]
  const [command = "", ...rest] = words
  const child = spawn(command, rest, { cwd: "/", detached: true, stdio: "ignore" })
  child.unref()
}

/** Kills a component (SIGKILL) and waits until it is gone; its service starts it again. */
export const kill = (name: ComponentName): Promise<void> => end(pidOf(name))

/** Ends a component for good. */
export const stop = async (name: ComponentName): Promise<void> => {
  await end(`${pidOf(name)}.service`)
  await end(pidOf(name))
}

const end = async (pidFile: string): Promise<void> => {
  const number = readFileSync(pidFile, "utf8").trim()
  await inside(["kill", "-KILL", number])
  await until(`${number} ends`, async () => (await inside(["kill", "-0", number])).status !== 0, 30_000)
}

/** The end of a component's log, for a person who asks why. */
export const tailOf = (name: ComponentName, lines = 15): string =>
  existsSync(logOf(name)) ? readFileSync(logOf(name), "utf8").trim().split("\n").slice(-lines).join("\n") : ""
