/** What pods leave on a node, so that it can be said that they left nothing. */
import { until } from "../../lab/run.ts"
import { mustInside } from "../node/space.ts"

/** Names of what is there, by kind. */
export type Inventory = Readonly<Record<string, ReadonlyArray<string>>>

const questions: Readonly<Record<string, string>> = {
  // Of the node and of every named namespace; the kinds that the project and its peers make.
  links: `for ns in "" $(ls /run/netns); do
      for kind in macvtap macvlan ipvlan; do
        ip \${ns:+-n "$ns"} -o link show type $kind 2>/dev/null | cut -d: -f2 | cut -d@ -f1 | sed "s|^ |$ns/|"
      done
    done`,
  // They hold a number back, in namespaces that have no name.
  placeholders: `for pid in $(lsns --noheadings --type net --output PID); do
      nsenter --target $pid --net ip -o link show type macvtap | cut -d: -f2 | grep mvh
    done 2>/dev/null`,
  namespaces: "ls /run/netns",
  "tap nodes": "ls -d /dev/tap* 2>/dev/null",
  "device nodes": "ls /var/lib/macvtap-cni/dev 2>/dev/null",
  // Numbers of taps that an attachment may open, and that no other link is given.
  claims: "ls /run/macvtap-cni/taps 2>/dev/null",
  leases: "find /run/cni /var/lib/cni/networks -type f -name '*.*.*.*' 2>/dev/null",
  "kept results": "find /var/lib/cni/results /var/lib/cni/multus -type f 2>/dev/null",
  // That run, of pods of the checks; what has ended the kubelet clears in its own time.
  containers: `running=$(ctr --namespace k8s.io tasks list | awk '$3 == "RUNNING" { print $1 }')
    ctr --namespace k8s.io containers list --quiet 'labels."io.kubernetes.pod.namespace"==default' | grep -F "$running"`
}

/** What is on the node now. */
export const inventory = async (): Promise<Inventory> => {
  const entries = Object.entries(questions).map(async ([kind, script]) => {
    const lines = (await mustInside(["sh", "-c", `${script}; true`])).trim().split("\n")
    return [kind, lines.filter((line) => line !== "").sort()] as const
  })
  return Object.fromEntries(await Promise.all(entries))
}

/** What `now` has and `before` had not, by kind; a kind with nothing more is left out. */
export const more = (before: Inventory, now: Inventory): Inventory =>
  Object.fromEntries(
    Object.entries(now)
      .map(([kind, names]) => [kind, names.filter((name) => before[kind]?.includes(name) !== true)] as const)
      .filter(([, names]) => names.length > 0)
  )

/** Waits until nothing is there that was not before; throws with what stays. The answer: what was looked at. */
export const nothingMoreThan = async (before: Inventory, seconds = 45): Promise<string> => {
  let left: Inventory = {}
  await until(
    "nothing is left",
    async () => {
      left = more(before, await inventory())
      return Object.keys(left).length === 0
    },
    seconds * 1000
  ).catch(() => {
    throw new Error(`left behind: ${JSON.stringify(left)}`)
  })
  return `no more ${Object.keys(questions).join(", ")} than before`
}
