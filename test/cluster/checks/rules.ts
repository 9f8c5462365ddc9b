/** What a node's owner says about networks, and what a network may ask of the node. */
import { mustInside } from "../node/space.ts"
import { kubectl } from "../pods/kubectl.ts"
import { create, describePod, eventWith, linkOf, processOf, remove, run } from "../pods/pods.ts"
import { describeConfig, setUp, usualResources } from "../pods/setting.ts"
import { assert, type Check } from "./Check.ts"
import { toldByPlugin } from "./messages.ts"

/** The ConfigMap with a policy, and a DaemonSet that has taken it to the node. */
const withPolicy = async (policy: object): Promise<void> => {
  const config = describeConfig(JSON.stringify(usualResources)) as { data: Record<string, string> }
  await create({ ...config, data: { ...config.data, "policy.json": JSON.stringify(policy) } })
  await rollOut()
}

const rollOut = async (): Promise<void> => {
  await kubectl("-n macvtap-cni rollout restart daemonset/macvtap-cni")
  await kubectl("-n macvtap-cni rollout status daemonset/macvtap-cni --timeout=120s", { timeout: 150_000 })
}

const policy: Check = {
  name: "policy",
  claim:
    "With a policy that allows devices only, a network with a master is refused, its event names the rule; one with a resource works; without the policy both do.",
  prove: async () => {
    await withPolicy({ version: 1, rules: [{ name: "devices-only", deviceID: ["*"] }] })
    try {
      await create(describePod({ name: "refused", networks: ["by-master"] }))
      const text = await eventWith("refused", "FailedCreatePodSandBox", "policy", "devices-only", "uplink")
      await remove("refused")
      await run({ name: "by-policy", networks: ["lan"], devices: { lan: 1 } })
      await remove("by-policy")
      return toldByPlugin(text)
    } finally {
      await create(describeConfig(JSON.stringify(usualResources)))
      await mustInside(["rm", "-f", "/var/lib/macvtap-cni/policy.json"])
      await rollOut()
      await setUp()
    }
  }
}

/** Whether a ping is answered within three seconds, in the namespace of a process or on the node. */
const pings = async (address: string, pid?: string): Promise<boolean> => {
  const words = ["busybox", "ping", "-c", "1", "-W", "3", address]
  return mustInside(pid === undefined ? words : ["nsenter", "--target", pid, "--net", ...words]).then(
    () => true,
    () => false
  )
}

const addressOf = async (pod: string): Promise<string> =>
  (await linkOf(pod)).addr_info.find(({ scope }) => scope === "global")?.local ?? ""

const hostAccess: Check = {
  name: "hostAccess",
  claim:
    "Pod and node reach each other's addresses on the master where the network has hostAccess, and do not where it has not.",
  prove: async () => {
    await run({ name: "with-access", networks: ["host-access"] }, { name: "without-access", networks: ["by-master"] })
    const [withAccess, without] = [await addressOf("with-access"), await addressOf("without-access")]
    const seen = {
      "node to pod": await pings(withAccess),
      "pod to node": await pings("10.90.0.2", await processOf("with-access")),
      "node to pod, without": await pings(without),
      "pod to node, without": await pings("10.90.0.2", await processOf("without-access"))
    }
    const links = await mustInside(["ip", "-br", "link", "show", "type", "macvlan"])
    await remove("with-access", "without-access")
    assert(JSON.stringify(Object.values(seen)) === "[true,true,false,false]", `pings: ${JSON.stringify(seen)}`)
    return `pings ${JSON.stringify(seen).replaceAll('"', "")}; the node's link: ${links.trim().split(/\s+/)[0]}`
  }
}

export const ruleChecks: ReadonlyArray<Check> = [hostAccess, policy]
