/** Everything dies once, alone and together, while pods come and go. */
import { until } from "../../lab/run.ts"
import { kill, start, stop } from "../node/components.ts"
import { inside, mustInside } from "../node/space.ts"
import { getJson, kubectl } from "../pods/kubectl.ts"
import { describePod, linkOf, processOf, ready, remove, run } from "../pods/pods.ts"
import { offers } from "../pods/setting.ts"
import { assert, CannotProve, type Check, since } from "./Check.ts"
import { besideKeeper, inWords, underLoad } from "./load.ts"
import { running } from "./manifests.ts"

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

const killContainer = async (name: string): Promise<void> => {
  const { pid } = await running(name)
  await mustInside(["kill", "-9", pid])
}

const killMultus = async (): Promise<void> => {
  const pid = (await mustInside(["pidof", "multus-daemon"])).trim()
  await mustInside(["kill", "-9", ...pid.split(" ")])
}

const hasAgent = async (): Promise<boolean> => running("agent").then(Boolean, () => false)

const killAgent = (): Promise<void> => killContainer("agent")

/** A check that does something to the node beside a load and a pod that has to stay as it is. */
const deathOf = (what: string, claim: string, deed: () => Promise<void>): Check => ({
  name: `death: ${what}`,
  claim,
  prove: async () => {
    if (what === "agent" && !(await hasAgent()))
      throw new CannotProve("the DaemonSet of this tree has no container agent")
    await run({ name: "keeper", networks: ["lan"], devices: { lan: 1 }, user: 107 })
    const load = await besideKeeper("keeper", () =>
      underLoad(async () => {
        await deed()
        await sleep(5000)
      })
    )
    await remove("keeper")
    await offers("lan", 60)
    return `the pod that was there keeps its process and link; ${inWords(load)}`
  }
})

const together = async (): Promise<void> => {
  await Promise.all([killMultus(), killContainer("device-plugin"), killAgent().catch(() => {})])
  await Promise.all([kill("kubelet"), kill("containerd")])
}

const sandbox: Check = {
  name: "death: a sandbox",
  settles: 150,
  claim: "A pod whose sandbox is killed gets a new one, on the same device, with a link that works.",
  prove: async () => {
    await run({ name: "sandboxed", networks: ["lan"], devices: { lan: 1 } })
    const old = await linkOf("sandboxed")
    const filter = 'labels."io.kubernetes.pod.name"==sandboxed,labels."io.cri-containerd.kind"==sandbox'
    const id = (await mustInside(["ctr", "--namespace", "k8s.io", "containers", "list", "--quiet", filter])).trim()
    const began = Date.now()
    await mustInside(["ctr", "--namespace", "k8s.io", "tasks", "kill", "--signal", "SIGKILL", id])
    const before = await processOf("sandboxed").catch(() => "")
    await until(
      "a new sandbox",
      async () => ((await processOf("sandboxed").catch(() => before)) || before) !== before,
      90_000
    )
    await ready(["sandboxed"], 60)
    const now = await linkOf("sandboxed")
    await remove("sandboxed")
    return `ready again after ${since(began)}; net1 was ${old.ifindex} ${old.address}, is ${now.ifindex} ${now.address}`
  }
}

/** What is gone when a node starts: its processes, /run, its namespaces and links; /var/lib stays. */
const reboot = async (): Promise<void> => {
  await Promise.all([stop("kubelet"), stop("containerd")])
  const script = `
    for proc in /proc/[0-9]*; do
      pid=\${proc#/proc/}
      case "$(tr '\\0' ' ' <$proc/cmdline 2>/dev/null)" in
        *space.sh*|*service.sh*|sleep\\ 86400\\ |etcd\\ *|*/kube-apiserver\\ *|*/kube-controller-manager\\ *|*/kube-scheduler\\ *|"") ;;
        *) [ $pid = $$ ] || kill -9 $pid 2>/dev/null ;;
      esac
    done
    sleep 1
    # Mounts of pods and containers, the deepest first.
    awk '$2 ~ "^/(run/(containerd|netns)|var/lib/kubelet/pods)/" && $2 != "/run/netns/world" { print $2 }' /proc/self/mounts |
      sort -r | xargs -r -n1 umount -l 2>/dev/null
    find /run -mindepth 1 -maxdepth 1 ! -name netns ! -name macvtap-cluster ! -name kubernetes ! -name tunables -exec rm -rf {} +
    find /run/netns -mindepth 1 ! -name world -delete
    rm -f /dev/tap*
    ip link delete pods 2>/dev/null
    true`
  const { stdout, stderr, status } = await inside(["sh", "-c", script], { timeout: 60_000 })
  // Our own shell may be among those that were killed, if the loop met nsenter's other half.
  assert(status === 0 || status === 137, `the reboot: ${stdout}${stderr}`)
  start("containerd")
  await until("containerd answers", async () => (await inside(["ctr", "version"])).status === 0, 30_000)
  start("kubelet")
}

interface PodList {
  readonly items: ReadonlyArray<{ readonly status: { readonly phase: string; readonly reason?: string } }>
}

const afterReboot: Check = {
  name: "death: the node, as by a reboot",
  settles: 150,
  claim:
    "After a reboot the pods of a Deployment are on macvtaps again; those that the kubelet refused before the device plugin had registered were replaced.",
  prove: async () => {
    const { metadata, spec } = describePod({ name: "rebooted", networks: ["lan"], devices: { lan: 1 } }) as {
      metadata: { annotations: object }
      spec: object
    }
    const labels = { check: "yes", app: "rebooted" }
    const deployment = {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: "rebooted" },
      spec: {
        replicas: 3,
        selector: { matchLabels: labels },
        template: { metadata: { labels, annotations: metadata.annotations }, spec }
      }
    }
    await kubectl("apply -f -", { stdin: JSON.stringify(deployment) })
    await kubectl("rollout status deployment/rebooted --timeout=60s", { timeout: 90_000 })
    const began = Date.now()
    await reboot()
    await sleep(10_000)
    await kubectl("-n kube-system rollout status daemonset/kube-multus-ds --timeout=120s", { timeout: 150_000 })
    await kubectl("-n macvtap-cni rollout status daemonset/macvtap-cni --timeout=120s", { timeout: 150_000 })
    await kubectl("rollout status deployment/rebooted --timeout=180s", { timeout: 200_000 })
    const took = since(began)
    const { items } = await getJson<PodList>("pods -l app=rebooted")
    const refused = items.filter(({ status }) => status.phase === "Failed")
    await kubectl("delete deployment rebooted --cascade=foreground --timeout=90s", { timeout: 120_000 })
    await kubectl("delete pods -l app=rebooted --ignore-not-found --timeout=60s", { timeout: 90_000 })
    const reasons = [...new Set(refused.map(({ status }) => status.reason))].join(", ")
    return `3 of 3 ready ${took} after it; refused for good and replaced: ${refused.length}${reasons === "" ? "" : ` (${reasons})`}`
  }
}

export const deathChecks: ReadonlyArray<Check> = [
  deathOf("agent", "kill -9 of the agent costs no pod its tap, and calls go on without it.", killAgent),
  deathOf("all at once", "kill -9 of all of them together costs no pod its tap.", together),
  deathOf("update of the DaemonSet", "The DaemonSet is replaced under load; pods keep their taps.", async () => {
    await kubectl("-n macvtap-cni rollout restart daemonset/macvtap-cni")
    await kubectl("-n macvtap-cni rollout status daemonset/macvtap-cni --timeout=120s", { timeout: 150_000 })
  }),
  deathOf("device plugin", "kill -9 of the device plugin costs no pod its tap.", () => killContainer("device-plugin")),
  deathOf("Multus", "kill -9 of Multus' daemon costs no pod its tap.", killMultus),
  deathOf("kubelet", "kill -9 of the kubelet costs no pod its tap.", () => kill("kubelet")),
  deathOf("containerd", "kill -9 of containerd costs no pod its tap.", () => kill("containerd")),
  sandbox,
  afterReboot
]
