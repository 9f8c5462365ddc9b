/** Pods that come and go, alone and many at once. */
import { mustInside } from "../node/space.ts"
import { multusStands } from "../node/up.ts"
import { getJson, kubectl, tryKubectl } from "../pods/kubectl.ts"
import { create, describePod, eventsOf, linkOf, ready, remove, run, taskOf } from "../pods/pods.ts"
import { assert, assertSame, type Check, since } from "./Check.ts"
import { mebibytes, memoryOf, peak } from "./manifests.ts"

const thirtyTimes: Check = {
  name: "churn: capacity 2",
  claim:
    "Two pods on a resource of two devices, deleted and made again 30 times: each new one gets the device that was freed.",
  prove: async () => {
    const began = Date.now()
    const pods = ["churn-1", "churn-2"] as const
    const wish = (name: string) => ({ name, networks: ["pair"], devices: { pair: 1 } })
    await run(...pods.map(wish))
    const kinds = new Set<string>()
    for (let round = 0; round < 30; round++) {
      const name = pods[round % 2] ?? ""
      await remove(name)
      await run(wish(name))
      assertSame(`nodes of devices in round ${round}`, await nodesOfDevices(), ["pairMvp0", "pairMvp1"])
      kinds.add((await linkOf(name)).linkinfo?.info_kind ?? "none")
    }
    assertSame("kinds of net1", [...kinds], ["macvtap"])
    const failures = (await Promise.all(pods.map(eventsOf))).flat().filter((text) => text.startsWith("Failed"))
    await remove(...pods)
    return `30 rounds in ${since(began)}; events of failure: ${failures.length}${failures.length > 0 ? ` (${failures[0]})` : ""}`
  }
}

const nodesOfDevices = async (): Promise<ReadonlyArray<string>> =>
  (await mustInside(["ls", "/var/lib/macvtap-cni/dev"])).trim().split("\n").sort()

interface Items {
  readonly items: ReadonlyArray<{
    readonly status: {
      readonly containerStatuses: ReadonlyArray<{
        readonly containerID: string
        readonly restartCount: number
        readonly lastState: { readonly terminated?: { readonly reason: string } }
      }>
    }
  }>
}

/** Multus' container: its process, restarts, and why it last ended. */
const multus = async () => {
  const { items } = await getJson<Items>("pods -n kube-system -l name=multus")
  const status = items[0]?.status.containerStatuses[0]
  assert(status !== undefined, "Multus has no pod")
  const pid = await taskOf(status.containerID.replace("containerd://", "")).catch(() => undefined)
  return { pid, restarts: status.restartCount, ended: status.lastState.terminated?.reason ?? "" }
}

const restartMultus = async (): Promise<void> => {
  await kubectl("-n kube-system rollout restart daemonset/kube-multus-ds")
  await kubectl("-n kube-system rollout status daemonset/kube-multus-ds --timeout=120s", { timeout: 150_000 })
  await multusStands()
}

/** How many of the pods' namespaces have a net1 of that kind, by `ip`. */
const countNet1 = async (kind: string): Promise<number> => {
  const script = `for ns in $(ls /run/netns); do ip -n "$ns" -o link show dev net1 type ${kind} 2>/dev/null; done | wc -l`
  return Number(await mustInside(["sh", "-c", script]))
}

/** In which bursts Multus died, as it does where its limit is too low for the burst; what it had begun then is lost. */
const multusDied: Array<string> = []

/** 28 pods at once through a fresh Multus; how long it took, and what Multus' control group took at its peak. */
const burst = async (
  what: string,
  kind: string,
  wish: (name: string) => Parameters<typeof describePod>[0]
): Promise<string> => {
  await restartMultus()
  const names = Array.from({ length: 28 }, (_, n) => `burst-${n}`)
  const began = Date.now()
  await create(...names.map((name) => describePod(wish(name))))
  await ready(names, 120)
  const took = since(began)
  assertSame(`links net1 of kind ${kind}`, await countNet1(kind), names.length)
  const { pid } = await multus()
  const taken = pid === undefined ? "unknown" : mebibytes(await memoryOf(pid, peak))
  const limit =
    pid === undefined ? "unknown" : mebibytes(await memoryOf(pid, { v1: "memory.limit_in_bytes", v2: "memory.max" }))
  const failed = (await Promise.all(names.map(eventsOf))).flat().filter((text) => text.startsWith("Failed")).length
  await kubectl(`delete pods --timeout=180s ${names.join(" ")}`, { timeout: 200_000 })
  const { restarts, ended } = await multus()
  if (restarts > 0) multusDied.push(`${what}: ${restarts} times (${ended})`)
  const ends = restarts === 0 ? "never restarted" : `restarted ${restarts} times (${ended})`
  return `${what}: 28 ready in ${took}, each with its link, ${failed} events of failure, Multus' peak ${taken} of ${limit}, ${ends}`
}

const atOnce: Check = {
  name: "churn: 28 at once",
  claim:
    "28 pods at once through Multus thick in its official limits become ready; beside it the same with Go's macvlan.",
  multusMayLeave: () => (multusDied.length === 0 ? undefined : `Multus died in the burst of ${multusDied.join(", ")}`),
  prove: async () => {
    const ours = await burst("macvtap", "macvtap", (name) => ({ name, networks: ["lan"], devices: { lan: 1 } }))
    const peers = await burst("Go's macvlan", "macvlan", (name) => ({ name, networks: ["go-macvlan"] }))
    return `${ours}; ${peers}`
  }
}

const forced: Check = {
  name: "churn: force deletion",
  short: true,
  claim:
    "A pod that is deleted by force gives its device to the next one, with everything cleaned up, within half a minute.",
  prove: async () => {
    const wish = { networks: ["pair"], devices: { pair: 2 } }
    await run({ name: "forced-1", ...wish, networks: ["pair", "pair"] })
    await tryKubectl("delete pod forced-1 --force --grace-period=0")
    const began = Date.now()
    await run({ name: "forced-2", ...wish, networks: ["pair", "pair"] })
    const took = since(began)
    const events = await eventsOf("forced-2")
    const links = await mustInside(["sh", "-c", "ls /run/netns | wc -l"])
    await remove("forced-2")
    const failures = events.filter((text) => text.startsWith("Failed"))
    return `the next pod has both devices after ${took}, with ${failures.length} events of failure (${links.trim()} namespaces then)`
  }
}

export const churnChecks: ReadonlyArray<Check> = [atOnce, forced, thirtyTimes]
