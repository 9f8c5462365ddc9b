/** The configuration of the parts, written below the cluster's state before they start. */
import { generateKeyPairSync, randomBytes } from "node:crypto"
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { state } from "./space.ts"

export const files = join(state, "files")
export const logs = join(state, "logs")

/** Where the API server makes its certificate; inside. */
export const certificates = "/run/kubernetes"

/** The node's name and address. */
export const node = { name: "node", address: "10.89.0.2" }

/** Of the image that a sandbox's first process runs. */
export const pauseImage = "localhost/pause:1"

const users: Readonly<Record<string, { readonly user: string; readonly groups: string }>> = {
  admin: { user: "admin", groups: "system:masters" },
  kubelet: { user: `system:node:${node.name}`, groups: "system:nodes" },
  "kube-scheduler": { user: "system:kube-scheduler", groups: "" },
  "kube-controller-manager": { user: "system:kube-controller-manager", groups: "system:masters" }
}

/** Whose kubeconfig: `admin` is a person's. */
export const kubeconfig = (user = "admin"): string => join(files, `${user}.kubeconfig`)

const write = (name: string, content: string | object): void =>
  writeFileSync(join(files, name), typeof content === "string" ? content : JSON.stringify(content, null, 2), {
    mode: 0o600
  })

/** A kubeconfig, which names the API server's own certificate as its authority. */
const kubeconfigOf = (user: string, token: string): object => ({
  apiVersion: "v1",
  kind: "Config",
  clusters: [
    {
      name: "macvtap",
      cluster: {
        server: `https://${node.address}:443`,
        "certificate-authority": `${certificates}/apiserver.crt`
      }
    }
  ],
  users: [{ name: user, user: { token } }],
  contexts: [{ name: "macvtap", context: { cluster: "macvtap", user } }],
  "current-context": "macvtap"
})

const kubeletConfiguration = {
  apiVersion: "kubelet.config.k8s.io/v1beta1",
  kind: "KubeletConfiguration",
  cgroupDriver: "cgroupfs",
  failSwapOn: false,
  containerRuntimeEndpoint: "unix:///run/containerd/containerd.sock",
  // Nobody but the cluster's own processes reaches the node.
  authentication: { anonymous: { enabled: true }, webhook: { enabled: false } },
  authorization: { mode: "AlwaysAllow" },
  resolvConf: "",
  // Nobody is there: it only keeps the kubelet from warning of each pod.
  clusterDNS: ["10.96.0.10"],
  enforceNodeAllocatable: [],
  evictionHard: { "memory.available": "0%", "nodefs.available": "0%", "imagefs.available": "0%" },
  imageGCHighThresholdPercent: 100,
  localStorageCapacityIsolation: false,
  serializeImagePulls: false,
  registerNode: true,
  // A change of a ConfigMap reaches its pods within seconds instead of the default's minute.
  syncFrequency: "5s"
}

/**
 * containerd 1.6's configuration: its own defaults but for the sandbox's image, cgroups without systemd, and a machine on
 * which not even root may lower a process's score for the OOM killer (no CAP_SYS_RESOURCE): runc would not start a pod.
 */
const containerdConfiguration = `version = 2
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${pauseImage}"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false
`

/**
 * The network that every pod has: the reference plugins' bridge. Multus finds it and adds itself in front. One plugin and not
 * a list, of which Multus 4.3 keeps only the types for DEL, and host-local then has no range from which to release.
 */
const podNetwork = {
  cniVersion: "1.0.0",
  name: "pods",
  type: "bridge",
  bridge: "pods",
  isGateway: true,
  hairpinMode: true,
  ipam: {
    type: "host-local",
    ranges: [[{ subnet: "10.88.0.0/16" }]],
    routes: [{ dst: "0.0.0.0/0" }],
    dataDir: "/run/cni/pods"
  }
}

/** Writes everything; tokens and keys are new each time. `kubeletV1` names the key that old kubelets do not know. */
export const writeFiles = (kubeletKnowsFailCgroupV1 = true): void => {
  mkdirSync(files, { recursive: true, mode: 0o700 })
  const tokens = Object.entries(users).map(([name, { user, groups }]) => {
    const token = randomBytes(24).toString("hex")
    write(`${name}.kubeconfig`, kubeconfigOf(name, token))
    return `${token},${user},${name},"${groups}"\n`
  })
  write("tokens.csv", tokens.join(""))
  const { privateKey, publicKey } = generateKeyPairSync("rsa", {
    modulusLength: 2048,
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs8", format: "pem" }
  })
  write("service-accounts.key", privateKey)
  write("service-accounts.pub", publicKey)
  writeKubeletConfiguration(kubeletKnowsFailCgroupV1)
  write("containerd.toml", containerdConfiguration)
  write("10-pods.conf", podNetwork)
}

/** The kubelet's, which differs by its age: before 1.31 there is no `failCgroupV1`, and an unknown key is an error. */
export const writeKubeletConfiguration = (knowsFailCgroupV1: boolean): void =>
  write("kubelet.json", { ...kubeletConfiguration, ...(knowsFailCgroupV1 ? { failCgroupV1: false } : {}) })
