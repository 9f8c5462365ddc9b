/** What the checks find set up: the resources that the device plugin offers, and the networks of pods. */
import { join } from "node:path"
import { until } from "../../lab/run.ts"
import { node } from "../node/files.ts"
import { project } from "../node/space.ts"
import { getJson, kubectl, tryKubectl } from "./kubectl.ts"
import { create, describeNetwork } from "./pods.ts"

/** The ConfigMap's entries while nothing else is said. */
export const usualResources: ReadonlyArray<object> = [
  { name: "lan", lowerDevice: "uplink", mode: "bridge", capacity: 60 },
  { name: "pair", lowerDevice: "uplink", mode: "bridge", capacity: 2 }
]

/** The ConfigMap of the device plugin with this text. */
export const describeConfig = (text: string): object => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name: "macvtap-deviceplugin-config", namespace: "macvtap-cni" },
  data: { DP_MACVTAP_CONF: text }
})

/** How many devices of a resource the node offers; undefined where it does not know the resource. */
export const offered = async (resource: string): Promise<string | undefined> => {
  const { status } = await getJson<{ status: { allocatable: Readonly<Record<string, string>> } }>(`node ${node.name}`)
  return status.allocatable[`macvtap.network.kubevirt.io/${resource}`]
}

/** Waits until the node offers so many. */
export const offers = (resource: string, count: number, seconds = 60): Promise<void> =>
  until(
    `the node offers ${count} of ${resource}`,
    async () => (await offered(resource)) === String(count),
    seconds * 1000
  )

/** Networks do not know of each other's leases: a range for each. */
const ipam = (first: number) => ({
  type: "host-local",
  subnet: "10.90.0.0/24",
  rangeStart: `10.90.0.${first}`,
  rangeEnd: `10.90.0.${first + 49}`
})

/** Networks, by what they show. */
export const networks: ReadonlyArray<object> = [
  describeNetwork("by-master", { type: "macvtap", master: "uplink", ipam: ipam(50) }),
  describeNetwork("host-access", { type: "macvtap", master: "uplink", hostAccess: true, ipam: ipam(100) }),
  describeNetwork("lan", { type: "macvtap" }, "lan"),
  describeNetwork("lan-with-addresses", { type: "macvtap", ipam: ipam(150) }, "lan"),
  describeNetwork("pair", { type: "macvtap" }, "pair"),
  describeNetwork("no-such-master", { type: "macvtap", master: "eth7" }),
  describeNetwork("go-macvlan", { type: "macvlan", master: "uplink", mode: "bridge" })
]

/** Sets all of it up, and waits until the node offers the resources. */
export const setUp = async (): Promise<void> => {
  // Not where it is there: the manifest's own ConfigMap would end the resources for a moment.
  if ((await tryKubectl("-n macvtap-cni get daemonset macvtap-cni")).status !== 0) {
    await kubectl(`apply -f ${join(project, "deploy/macvtap-cni.yaml")}`)
  }
  await create(...networks, describeConfig(JSON.stringify(usualResources)))
  await offers("lan", 60, 90)
  await offers("pair", 2)
}
