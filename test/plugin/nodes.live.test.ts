/** Every pod's tap node is its own: also under many ADDs at once, and where a node is in the way. */
import { rm } from "node:fs/promises"
import { assert, describe, it } from "vitest"
import { candidates } from "../../src/cni/identity/ifindex.ts"
import { bothWays, makeNode, type Node, names } from "../lab/call/node.ts"
import { hasExecutable, hasMacvtap } from "../lab/machine.ts"
import type { TestNetns } from "../lab/netns.ts"
import { must } from "../lab/run.ts"
import { linkDevice, nodeStatus, tapNode } from "../lab/tap.ts"

const able = hasMacvtap && hasExecutable

const assertOwn = async (node: Node, pod: TestNetns): Promise<string> => {
  const link = await node.link({ pod })
  if (link === undefined) assert.fail("no link")
  const status = await nodeStatus(tapNode(link))
  assert.strictEqual(status?.device, await linkDevice(pod.name, link))
  assert.deepStrictEqual([status?.uid, status?.gid, status?.mode], [107, 107, 0o660])
  return tapNode(link)
}

/** What removes the file at the block's end. */
const removing = (path: string): AsyncDisposable => ({ [Symbol.asyncDispose]: () => rm(path, { force: true }) })

describe.skipIf(!able).each(bothWays)("%s: a tap's node", (_, program) => {
  it("is the pod's own under 32 ADDs at once, and gone after 32 DELs", async () => {
    await using node = await makeNode(program)
    const pods: Array<TestNetns> = []
    for (let pod = 0; pod < 32; pod++) pods.push(await node.makePod())
    await Promise.all(pods.map((pod) => node.add({ pod })))
    const nodes: Array<string> = []
    for (const pod of pods) nodes.push(await assertOwn(node, pod))
    assert.strictEqual(new Set(nodes).size, pods.length)
    await Promise.all(pods.map((pod) => node.silent("DEL", { pod })))
    for (const [index, pod] of pods.entries()) {
      assert.deepStrictEqual(await names(pod), ["lo"])
      assert.isUndefined(await nodeStatus(nodes[index] ?? ""))
    }
  })

  it("is the pod's own where 12 pods want the same ifindex at once", async () => {
    await using node = await makeNode(program)
    const pods: Array<TestNetns> = []
    for (let pod = 0; pod < 12; pod++) pods.push(await node.makePod())
    // The ifindex follows from the container's ID.
    const containerID = `same-${process.pid}`
    await Promise.all(pods.map((pod) => node.add({ pod, containerID })))
    const nodes = await Promise.all(pods.map((pod) => assertOwn(node, pod)))
    assert.strictEqual(new Set(nodes).size, pods.length)
    await Promise.all(pods.map((pod) => node.silent("DEL", { pod, containerID })))
    for (const pod of pods) assert.deepStrictEqual(await names(pod), ["lo"])
  })

  it("is one of 8 ADDs' at once for one attachment, and stays whole", async () => {
    await using node = await makeNode(program)
    const answers = await Promise.all(Array.from({ length: 8 }, () => node.call("ADD")))
    assert.deepStrictEqual(answers.map(({ status }) => status).sort(), [0, 1, 1, 1, 1, 1, 1, 1])
    const prevResult = JSON.parse(answers.find(({ status }) => status === 0)?.stdout ?? "")
    await node.silent("CHECK", { conf: { prevResult } })
    await assertOwn(node, node.pod)
  })

  it("is another than a stale one, and a file that is no device, which stay", async () => {
    await using node = await makeNode(program)
    const [first = 0, second = 0] = candidates(node.pod.name, "net1", 2)
    await using stale = removing(`/dev/tap${first}`)
    await using file = removing(`/dev/tap${second}`)
    await must("mknod", [`/dev/tap${first}`, "c", "246", "4000"])
    await must("touch", [`/dev/tap${second}`])
    await node.add()
    const own = await assertOwn(node, node.pod)
    assert.notInclude([`/dev/tap${first}`, `/dev/tap${second}`], own)
    assert.strictEqual((await nodeStatus(`/dev/tap${first}`))?.device, "246:4000")
    await node.silent("DEL")
    assert.isDefined(await nodeStatus(`/dev/tap${second}`))
    assert.isDefined(stale)
    assert.isDefined(file)
  })

  it("is another than that of a foreign macvtap with the same ifindex in another namespace", async () => {
    await using node = await makeNode(program)
    const other = await node.makePod()
    const [first = 0] = candidates(node.pod.name, "net1", 1)
    await node.host.ip(`link add link eth0 name theirs netns ${other.name} index ${first} type macvtap mode bridge`)
    await node.add()
    assert.notStrictEqual(await assertOwn(node, node.pod), `/dev/tap${first}`)
    await node.silent("DEL")
    assert.include(await names(other), "theirs")
  })

  it("is another where the ifindex is taken in the pod by a link without a node", async () => {
    await using node = await makeNode(program)
    const [first = 0] = candidates(node.pod.name, "net1", 1)
    await node.pod.ip(`link add br7 index ${first} type bridge`)
    await node.add()
    assert.notStrictEqual(await assertOwn(node, node.pod), `/dev/tap${first}`)
  })

  it("that was replaced by another's fails CHECK", async () => {
    await using node = await makeNode(program)
    const prevResult = await node.add()
    const own = await assertOwn(node, node.pod)
    await using replaced = removing(own)
    await rm(own)
    await must("mknod", [own, "c", "246", "4001"])
    const { msg } = await node.fails("CHECK", { conf: { prevResult } })
    assert.match(msg, /\/dev\/tap\d+ is not the tap of link "net1"/)
    await node.silent("DEL")
    assert.isDefined(replaced)
  })

  it("that is missing fails CHECK where the configuration asked for an owner", async () => {
    await using node = await makeNode(program)
    const prevResult = await node.add({ conf: { owner: 107 } })
    await rm(await assertOwn(node, node.pod))
    await node.silent("CHECK", { conf: { prevResult } })
    assert.match((await node.fails("CHECK", { conf: { owner: 107, prevResult } })).msg, /has no tap node/)
  })
})
