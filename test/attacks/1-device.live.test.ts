/** Attack 1 with devices: whoever was given one can open its number until the kubelet takes the device back. */
import { assert, describe, it } from "vitest"
import { bothWays, type Program } from "../lab/call/node.ts"
import { ipLinks } from "../lab/ip.ts"
import { hasExecutable, hasMacvtap } from "../lab/machine.ts"
import { type ClusterNode, kill, makeNode, type Pod } from "../lab/node/node.ts"
import { ownResource } from "../lab/node/ownResource.ts"
import { until } from "../lab/run.ts"
import { linkDevice, nodeStatus } from "../lab/tap.ts"

const [data, alone] = [ownResource("atk1"), ownResource("atk1a")]
const config = [
  { name: data, lowerDevice: "eth0", capacity: 20 },
  { name: alone, lowerDevice: "eth0", capacity: 4, standalone: true }
]

/** A pod with its device attached. */
const attach = async (node: ClusterNode, uid: string): Promise<{ pod: Pod; deviceID: string; number: string }> => {
  const pod = await node.pod()
  const [deviceID = ""] = (await node.kubelet.allocate(uid, data)).devices
  const { status, stdout, stderr } = await node.call("ADD", pod, deviceID)
  assert.strictEqual(status, 0, stdout + stderr)
  const number = await linkDevice(pod.name, (await pod.link()) ?? assert.fail("no link"))
  assert.strictEqual((await nodeStatus(node.nodeOf(deviceID)))?.device, number)
  return { pod, deviceID, number }
}

const startNode = async (program: Program) => {
  const node = await makeNode("atk1", { program })
  const daemon = node.daemon(config)
  await node.kubelet.healthy(data, 20)
  await node.kubelet.healthy(alone, 4)
  return { node, daemon }
}

describe.skipIf(!hasExecutable || !hasMacvtap).each(bothWays)(
  "%s: attack 1: the number of a device whose pod has deleted its link",
  (_, program) => {
    it("is given to no other device, whatever becomes of the daemon", async () => {
      const { node, daemon } = await startNode(program)
      await using _ = node
      const firsts = [await attach(node, "first0"), await attach(node, "first1"), await attach(node, "first2")]
      for (const { pod } of firsts) await pod.ip("link del net1")
      await kill(daemon)
      await until("the plugin is dropped", () => node.kubelet.endpoint(data) === undefined)
      node.daemon(config)
      await node.kubelet.healthy(data, 20)
      const taken = firsts.map(({ number }) => number)
      for (const uid of ["second0", "second1", "second2"]) {
        assert.notInclude(taken, (await attach(node, uid)).number)
      }
      for (const { deviceID, number } of firsts) {
        assert.strictEqual((await nodeStatus(node.nodeOf(deviceID)))?.device, number)
      }
    })

    it("is given to no standalone device either", async () => {
      const { node } = await startNode(program)
      await using _ = node
      const firsts = [await attach(node, "first0"), await attach(node, "first1"), await attach(node, "first2")]
      for (const { pod } of firsts) await pod.ip("link del net1")
      const { devices } = await node.kubelet.allocate("second", alone, 3)
      const taps = (await ipLinks(node.host.name)).filter(({ linkinfo }) => linkinfo?.info_kind === "macvtap")
      assert.lengthOf(taps, 3, "and nothing else stays on the host")
      const numbers = await Promise.all(taps.map((link) => linkDevice(node.host.name, link)))
      const taken = firsts.map(({ number }) => number)
      for (const number of numbers) assert.notInclude(taken, number)
      const nodes = await Promise.all(devices.map((deviceID) => nodeStatus(node.nodeOf(deviceID))))
      assert.sameMembers(
        nodes.map((status) => status?.device ?? ""),
        numbers
      )
      await node.kubelet.preStart("second", alone)
    })

    it("is given to no other when the lower device went and came back", async () => {
      const { node } = await startNode(program)
      await using _ = node
      const firsts = [await attach(node, "first0"), await attach(node, "first1"), await attach(node, "first2")]
      await node.host.ip("link del eth0")
      await node.kubelet.healthy(data, 0)
      await node.host.ip("link add eth0 type veth peer name wire0")
      await node.host.ip("link set eth0 up")
      await node.kubelet.healthy(data, 20)
      const taken = firsts.map(({ number }) => number)
      for (const uid of ["second0", "second1", "second2"]) {
        assert.notInclude(taken, (await attach(node, uid)).number)
      }
    })
  }
)
