/** Attack 3: while ADD waits, the pod puts a link of its own in the place of the device, to have that moved to the host. */
import { assert, describe, it } from "vitest"
import { bothWays, type Node, names } from "../lab/call/node.ts"
import { makeStub } from "../lab/call/stub.ts"
import { ipLink } from "../lab/ip.ts"
import { hasExecutable, hasMacvtap } from "../lab/machine.ts"
import { makeScene } from "./scene.ts"

/** An ifindex that no other test, and no link that the kernel numbers, has. */
const index = 900_000_000 + (process.pid % 100_000) * 100
const mac = "02:00:00:00:03:03"

const addDevice = (node: Node) =>
  node.host.ip(`link add link eth0 name dev0 index ${index} address ${mac} type macvtap mode bridge`)

/** What the pod does: it is root in its namespace. The device's alias, MAC address and ifindex are nothing secret. */
const swap = ({ pod }: Node, uplink: number | undefined, device: string, own: number): string =>
  [
    device,
    `link add below index ${uplink} type veth peer name mine`,
    `link add link below name net1 index ${own} address ${mac} type macvtap mode bridge`,
    `link set net1 alias macvtap-cni:lan/${pod.name}/net1`,
    "link set below up",
    "link set net1 up"
  ]
    .map((words) => `ip -n ${pod.name} ${words}`)
    .join("\n")

describe.skipIf(!hasExecutable || !hasMacvtap).each(bothWays)(
  "%s: attack 3: a link that the pod put in the device's place",
  (_, program) => {
    it.each([
      ["which it deleted", "link del net1", index],
      ["which it renamed", "link set net1 down name other", index + 1]
    ])("%s, does not come to the host", async (_, device, own) => {
      await using scene = await makeScene(program)
      const { node } = scene
      await addDevice(node)
      const uplink = (await ipLink(node.host.name, "eth0"))?.ifindex
      const script = swap(node, uplink, device, own)
      await using stub = await makeStub({ ADD: `( ${script}\n) > "$(dirname "$0")/said" 2>&1\nexit 1` })
      await node.fails("ADD", { conf: { deviceID: "dev0", ipam: { type: "stub" } }, path: stub.path })
      const theirs = await ipLink(node.pod.name, "net1")
      assert.strictEqual(theirs?.link, "below", "the pod's link is where the pod made it")
      assert.deepStrictEqual(
        (await names(node.host)).filter((name) => !["dev0", "eth0", "lo"].includes(name)),
        []
      )
      const back = await ipLink(node.host.name, "dev0")
      if (device.includes("name")) assert.include(back, { link: "eth0", address: mac, ifindex: index })
      else assert.isUndefined(back)
    })
  }
)

describe.skipIf(!hasExecutable || !hasMacvtap).each(bothWays)(
  "%s: attack 3: a link on the host whose parent is a pod's",
  (_, program) => {
    it("is not imported", async () => {
      await using scene = await makeScene(program)
      const { node } = scene
      const attacker = await node.makePod()
      await attacker.ip("link add below type veth peer name mine")
      await attacker.ip(`link add link below name dev0 index ${index} type macvtap mode bridge`)
      await attacker.ip(`link set dev0 netns ${node.host.name}`)
      const before = await ipLink(node.host.name, "dev0")
      assert.isDefined(before)
      // With the node's uplink as "master" it would be refused for that.
      const { code, msg } = await node.fails("ADD", { conf: { master: undefined, deviceID: "dev0" } })
      assert.strictEqual(code, 7)
      assert.include(msg, "the link below it is in another network namespace")
      assert.deepStrictEqual(await ipLink(node.host.name, "dev0"), before)
      assert.deepStrictEqual(await names(node.pod), ["lo"])
    })
  }
)
