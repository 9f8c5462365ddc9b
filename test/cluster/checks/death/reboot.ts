/** A node that starts again with what it had in /var/lib. */
import { until } from "../../../lab/run.ts"
import { start, stop } from "../../node/components.ts"
import { inside } from "../../node/space.ts"
import { getJson, kubectl } from "../../pods/kubectl.ts"
import { describePod } from "../../pods/pods.ts"
import { assert, type Check, since } from "../Check.ts"

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

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

export const afterReboot: Check = {
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
