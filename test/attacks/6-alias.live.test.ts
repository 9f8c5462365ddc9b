/** Attack 6: a pod writes another network's attachment, or nothing, into its link's alias, so that nobody removes it. */
import { assert, describe, it } from "vitest"
import { bothWays, names } from "../lab/call/node.ts"
import { hasExecutable, hasMacvtap } from "../lab/machine.ts"
import { makeScene } from "./scene.ts"

/** GC looks at all namespaces of the machine: no other test has this network. */
const name = `lan6-${process.pid}`

describe.skipIf(!hasExecutable || !hasMacvtap).each(bothWays)("%s: attack 6: a link whose alias says", (_, program) => {
  const aliases = [
    ["another network's attachment", "macvtap-cni:other/innocent/net1"],
    ["another attachment of the network", `macvtap-cni:${name}/innocent/net1`],
    ["a sentence", "mine"]
  ] as const

  it.each(aliases)("%s is removed by DEL", async (_, alias) => {
    await using scene = await makeScene(program)
    const { node } = scene
    await node.add({ conf: { name } })
    await node.pod.ip(`link set net1 alias ${alias}`)
    await node.silent("DEL", { conf: { name } })
    assert.deepStrictEqual(await names(node.pod), ["lo"])
  })

  it.each(aliases)("%s is removed by GC, and no other", async (_, alias) => {
    await using scene = await makeScene(program)
    const { node } = scene
    const innocent = await node.makePod()
    await node.add({ conf: { name } })
    await node.add({ conf: { name }, pod: innocent, containerID: "innocent" })
    await node.pod.ip(`link set net1 alias ${alias}`)
    const valid = [{ containerID: "innocent", ifname: "net1" }]
    await node.silent("GC", { conf: { name, "cni.dev/valid-attachments": valid } })
    assert.deepStrictEqual(await names(node.pod), ["lo"])
    assert.deepStrictEqual(await names(innocent), ["lo", "net1"])
  })

  it("the attachment of a pod that has ended does not get a living pod's link removed", async () => {
    await using scene = await makeScene(program)
    const { node } = scene
    await node.add({ conf: { name } })
    // The runtime knows what is valid; the link is at the ifindex and the name of a valid attachment.
    await node.pod.ip(`link set net1 alias macvtap-cni:${name}/ended/net1`)
    const valid = [{ containerID: node.pod.name, ifname: "net1" }]
    await node.silent("GC", { conf: { name, "cni.dev/valid-attachments": valid } })
    assert.deepStrictEqual(await names(node.pod), ["lo", "net1"])
  })
})
