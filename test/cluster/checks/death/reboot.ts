/** A node that starts again with what it had in /var/lib. */
import { until } from "../../../lab/run.ts"
import { start, stop } from "../../node/components.ts"
import { inside } from "../../node/space.ts"
import { getJson, kubectl } from "../../pods/kubectl.ts"
import { create, describePod, linkOf } from "../../pods/pods.ts"
import { assert, assertSame, type Check, since } from "../Check.ts"

/**
 * What is gone when a node starts: its processes, /run, its namespaces and links, its control groups; /var/lib stays. The
 * kernel's name for its start cannot be another here, so what the device plugin wrote down of it is made another.
 */
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
    find /sys/fs/cgroup -depth -type d -path '*/kubepods*' -exec rmdir {} + 2>/dev/null
    echo another >/var/lib/macvtap-cni/boot
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
  readonly items: ReadonlyArray<{
    readonly metadata: { readonly name: string }
    readonly status: {
      readonly phase: string
      readonly reason?: string
      readonly containerStatuses?: ReadonlyArray<{ readonly ready: boolean; readonly containerID?: string }>
    }
  }>
}

const podsOf = async (app: string): Promise<PodList["items"]> => (await getJson<PodList>(`pods -l app=${app}`)).items

const containersOf = (pods: PodList["items"]): ReadonlyArray<string> =>
  pods.flatMap(({ status }) => (status.containerStatuses ?? []).map(({ containerID = "" }) => containerID))

/** Those that are ready in containers that were not there: until the kubelet has looked, the API server tells what was. */
const readyAnew = (pods: PodList["items"], before: ReadonlyArray<string>): PodList["items"] =>
  pods.filter(({ status }) =>
    status.containerStatuses?.every(({ ready, containerID = "" }) => ready && !before.includes(containerID))
  )

const deploy = async (name: string): Promise<void> => {
  const { metadata, spec } = describePod({ name, networks: ["lan"], devices: { lan: 1 } }) as {
    metadata: { annotations: object }
    spec: object
  }
  const labels = { check: "yes", app: name }
  const template = { metadata: { labels, annotations: metadata.annotations }, spec }
  await create({
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name },
    spec: { replicas: 3, selector: { matchLabels: labels }, template }
  })
  await kubectl(`rollout status deployment/${name} --timeout=60s`, { timeout: 90_000 })
}

export const afterReboot: Check = {
  name: "death: the node, as by a reboot",
  settles: "later",
  claim:
    "After a reboot the pods of a Deployment are on macvtaps again, in new containers; those that the kubelet refused before the device plugin had registered were replaced.",
  prove: async () => {
    await deploy("rebooted")
    const before = containersOf(await podsOf("rebooted"))
    const began = Date.now()
    await reboot()
    let now: PodList["items"] = []
    await until(
      "three pods are ready in new containers",
      async () => {
        now = await podsOf("rebooted").catch(() => [])
        return readyAnew(now, before).length === 3
      },
      180_000
    )
    const took = since(began)
    const links: Array<string> = []
    for (const { metadata } of readyAnew(now, before)) {
      const { linkinfo, operstate, ifindex } = await linkOf(metadata.name)
      assertSame(`${metadata.name}'s net1`, [linkinfo?.info_kind, operstate], ["macvtap", "UP"])
      links.push(String(ifindex))
    }
    const refused = now.filter(({ status }) => status.phase === "Failed")
    await kubectl("delete deployment rebooted --cascade=foreground --timeout=90s", { timeout: 120_000 })
    await kubectl("delete pods -l app=rebooted --ignore-not-found --timeout=60s", { timeout: 90_000 })
    const reasons = [...new Set(refused.map(({ status }) => status.reason))].join(", ")
    return `3 of 3 ready in new containers ${took} after it, on links ${links.join(", ")}; refused for good and replaced: ${refused.length}${reasons === "" ? "" : ` (${reasons})`}`
  }
}
