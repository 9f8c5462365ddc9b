/** The kernel's refusals, which carry no words, in words: what was asked, what is in the way and whose it is. */
import { assert, describe, it } from "vitest"
import { bothWays, makeNode, type Node, names, type Program } from "../lab/call/node.ts"
import { makeStub, says } from "../lab/call/stub.ts"
import { hasExecutable, hasMacvtap } from "../lab/machine.ts"

const able = hasMacvtap && hasExecutable

/** One attachment in another pod, which is in the way. */
const occupied = async (program: Program, conf: object) => {
  const node = await makeNode(program)
  const other = await node.makePod()
  await node.add({ pod: other, conf })
  return { node, other, [Symbol.asyncDispose]: () => node[Symbol.asyncDispose]() }
}

const fails = async (node: Node, conf: object, errno: string) => {
  const error = await node.fails("ADD", { conf })
  assert.include(error.msg, errno)
  assert.isDefined(error.details)
  assert.notInclude(await names(node.pod), "net1")
  return error
}

describe.skipIf(!able).each(bothWays)("%s: an error names", (_, program) => {
  it("who has the MAC address", async () => {
    const mac = "02:00:00:00:00:55"
    await using scene = await occupied(program, { mac })
    const { msg } = await fails(scene.node, { mac }, "EADDRINUSE")
    assert.include(
      msg,
      `MAC address ${mac} is in use on "eth0" by link "net1" (macvtap in ${scene.other.path}; its alias says `
    )
    assert.include(msg, `attachment net1 of container ${scene.other.name} in network lan`)
  })

  it("who has it where the link goes up only after IPAM", async () => {
    const mac = "02:00:00:00:00:55"
    await using scene = await occupied(program, { mac })
    await using stub = await makeStub({ ADD: says({ cniVersion: "1.1.0", ips: [{ address: "10.9.0.5/24" }] }) })
    const { msg } = await scene.node.fails("ADD", { conf: { mac, ipam: { type: "stub" } }, path: stub.path })
    assert.include(msg, `by link "net1" (macvtap in ${scene.other.path}; its alias says `)
    assert.deepStrictEqual(await names(scene.node.pod), ["lo"])
    assert.deepStrictEqual(await stub.calls(), ["ADD", "DEL"])
  })

  it("the master itself as the one who has it", async () => {
    await using node = await makeNode(program)
    await node.host.ip("link set eth0 address 02:00:00:00:00:66")
    const { msg } = await fails(node, { mac: "02:00:00:00:00:66" }, "EADDRINUSE")
    assert.include(msg, 'the address of "eth0" itself')
  })

  it("who is beside a passthru link, and who is the passthru link", async () => {
    await using scene = await occupied(program, {})
    const { msg } = await fails(scene.node, { mode: "passthru" }, "EINVAL")
    assert.include(msg, '"mode" is "passthru", which takes the master for itself, but link "net1"')
    assert.include(msg, `container ${scene.other.name} in network lan`)
    await using passthru = await occupied(program, { mode: "passthru" })
    const error = await fails(passthru.node, {}, "EINVAL")
    assert.match(error.msg, /in network lan\) is on it in mode "passthru"/)
  })

  it("the bridge that the master is a port of", async () => {
    await using node = await makeNode(program)
    await node.host.ip("link add br0 type bridge")
    await node.host.ip("link set eth0 master br0")
    const { msg, details } = await fails(node, {}, "EBUSY")
    assert.include(msg, '"eth0" is a port of link "br0" (bridge)')
    assert.include(details, '"br0" as "master"')
  })

  it("who has the name", async () => {
    await using node = await makeNode(program)
    await node.pod.ip("link add net1 type veth peer name v1")
    const { msg, code } = await node.fails("ADD")
    assert.strictEqual(code, 7)
    assert.match(msg, /link "net1" \(veth\) already has that name in the container \(EEXIST\)/)
    await node.silent("DEL")
    assert.include(await names(node.pod), "net1")
  })

  it("the attachment itself, where it was added before", async () => {
    await using node = await makeNode(program)
    await node.add()
    const { msg, details } = await node.fails("ADD")
    assert.match(msg, /attachment net1 of container .* in network lan\) already has that name/)
    assert.match(details ?? "", /this very attachment/)
    assert.include(await names(node.pod), "net1")
  })

  it.each([
    [{ mtu: 1501 }, "invalid MTU 1501, must be [0, master MTU(1500)]"],
    [{ mtu: 67 }, "invalid MTU 67, must be [0, master MTU(1500)]"],
    [{ master: "gone0" }, 'master "gone0" does not exist'],
    [{ master: "lo" }, 'cannot create macvtap "net1" on master "lo": the kernel calls it invalid (EINVAL)']
  ])("what of %j is wrong", async (conf, words) => {
    await using node = await makeNode(program)
    const { msg, details } = await node.fails("ADD", { conf })
    assert.strictEqual(msg, words)
    assert.isDefined(details)
    assert.deepStrictEqual(await names(node.pod), ["lo"])
  })

  it.each([
    ["its own", "host", /plugin's netns and netns from CNI_NETNS should not be the same/],
    ["none", "/run/netns/pl-none", /network namespace "\/run\/netns\/pl-none" does not exist/],
    ["a file", "/etc/passwd", /"\/etc\/passwd" is not a network namespace: a regular file/],
    ["another kind of namespace", "/proc/self/ns/mnt", /is not a network namespace: a mount namespace/],
    ["a folder", "/", /"\/" is not a network namespace: a directory/]
  ])("the namespace that is %s", async (_what, path, words) => {
    await using node = await makeNode(program)
    const env = { CNI_NETNS: path === "host" ? node.host.path : path }
    const { code, msg } = await node.fails("ADD", { env })
    assert.strictEqual(code, 8)
    assert.match(msg, words)
    assert.deepStrictEqual(await names(node.host), ["eth0", "lo"])
  })
})
