/** What pods leave on a node, so that it can be said that they left nothing. */
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
  // Numbers of taps that an attachment may open, and that no other link is given while its namespace is there.
  claims: `for claim in /run/macvtap-cni/taps/*; do
      target=$(readlink "$claim") && [ -e "\${target##* }" ] && echo "$claim"
    done 2>/dev/null`,
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

/** Waits until nothing is there that was not before; the answer: what stays, by kind, or nothing. */
export const leftAfter = (before: Inventory, seconds = 45): Promise<Inventory> =>
  whatStays(seconds, async () => more(before, await inventory()))

/** Waits until none of these is there; the answer: what stays, by kind, or nothing. */
export const leftOf = (things: Inventory, seconds: number): Promise<Inventory> =>
  whatStays(seconds, async () => {
    const now = await inventory()
    const still = Object.entries(things).map(
      ([kind, names]) => [kind, names.filter((name) => now[kind]?.includes(name))] as const
    )
    return Object.fromEntries(still.filter(([, names]) => names.length > 0))
  })

const whatStays = async (seconds: number, look: () => Promise<Inventory>): Promise<Inventory> => {
  const end = Date.now() + seconds * 1000
  let left = await look()
  while (!isEmpty(left) && Date.now() < end) left = await look()
  return left
}

export const isEmpty = (inventory: Inventory): boolean => Object.keys(inventory).length === 0

/** Without what is Multus' own, and of the pods' network, which is Go's bridge. */
export const withoutOthers = (inventory: Inventory): Inventory => {
  const others = ["/var/lib/cni/multus/", "/var/lib/cni/results/", "/run/cni/pods/"]
  const rest = Object.entries(inventory).map(
    ([kind, names]) => [kind, names.filter((name) => !others.some((folder) => name.startsWith(folder)))] as const
  )
  return Object.fromEntries(rest.filter(([, names]) => names.length > 0))
}
