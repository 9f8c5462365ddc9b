/** An existing macvtap is configured and moved into the pod; whatever goes wrong, it is put back exactly as it was. */
import { chmod, chown } from "node:fs/promises"
import { assert, describe, it } from "vitest"
import { deviceName } from "../../src/devices/deviceName.ts"
import { bothWays, makeNode, type Node, names, programs } from "../lab/call/node.ts"
import { makeStub, says } from "../lab/call/stub.ts"
import { type IpLink, ipLink, ipLinks } from "../lab/ip.ts"
import { hasExecutable, hasMacvtap } from "../lab/machine.ts"
import { inOwnMounts } from "../lab/mounts.ts"
import { linkDevice, nodeStatus, tapNode } from "../lab/tap.ts"

const able = hasMacvtap && hasExecutable

/** An ifindex that no other test, and no link that the kernel numbers, has. */
let lastIndex = 700_000_000 + (process.pid % 10_000) * 1000

/** Made as a device plugin would, with everything unlike the defaults; its node is 4242's. */
const makeDevice = async (
  node: Node,
  name: string,
  more = "",
  options = "mode vepa",
  state = "up"
): Promise<IpLink> => {
  const index = ++lastIndex
  await node.host.ip(`link add link eth0 name ${name} index ${index} mtu 1400 ${more} type macvtap ${options}`)
  await node.host.ip(`link set ${name} ${state}`)
  await chown(`/dev/tap${index}`, 4242, 36)
  await chmod(`/dev/tap${index}`, 0o640)
  const link = await ipLink(node.host.name, name)
  if (link === undefined) throw new Error("no device")
  return link
}

/** The host's links, and whose the device's node is. */
const seen = async (node: Node, device: IpLink) => {
  const status = await nodeStatus(tapNode(device))
  const own = status?.device === (await linkDevice(node.host.name, device))
  return { links: await ipLinks(node.host.name), node: { ...status, device: own } }
}

describe.skipIf(!able).each(programs)("%s", (_, program) => {
  it("imports by the link's name, and by the hash of the device's", async () => {
    await using node = await makeNode(inOwnMounts(program))
    for (const [deviceID, name] of [
      ["dev0", "dev0"],
      ["dataplaneMvp83", deviceName("dataplaneMvp83")]
    ] as const) {
      const device = await makeDevice(node, name)
      const conf = { deviceID, mac: "02:00:00:00:00:42" }
      const prevResult = await node.add({ conf })
      const link = await node.link()
      if (link === undefined) assert.fail("no link")
      assert.strictEqual(link.ifindex, device.ifindex, "the kubelet has opened the node of that number")
      assert.include(link, { address: conf.mac, mtu: 1400, ifalias: `macvtap-cni:lan/${node.pod.name}/net1` })
      assert.strictEqual(link.linkinfo?.info_data?.["mode"], "vepa")
      assert.includeMembers([...link.flags], ["UP", "ALLMULTI"])
      assert.deepStrictEqual(await nodeStatus(tapNode(link)), {
        device: await linkDevice(node.pod.name, link),
        uid: 107,
        gid: 107,
        mode: 0o660
      })
      assert.deepStrictEqual(prevResult.interfaces, [
        { name: "net1", mac: conf.mac, mtu: 1400, sandbox: node.pod.path }
      ])
      await node.silent("CHECK", { conf: { ...conf, prevResult } })
      await node.silent("DEL", { conf })
      assert.deepStrictEqual(await names(node.pod), ["lo"])
      assert.deepStrictEqual(await names(node.host), ["eth0", "lo"])
    }
  })
})

describe.skipIf(!able).each(bothWays)("%s: an import", (_, program) => {
  it("takes runtimeConfig's device before the other", async () => {
    await using node = await makeNode(program)
    await makeDevice(node, "dev1")
    await makeDevice(node, "dev2")
    await node.add({ conf: { deviceID: "dev1", runtimeConfig: { deviceID: "dev2" } } })
    assert.deepStrictEqual(await names(node.host), ["dev1", "eth0", "lo"])
  })

  it("changes the mode where the configuration has one", async () => {
    await using node = await makeNode(program)
    await makeDevice(node, "dev0")
    await node.add({ conf: { deviceID: "dev0", mode: "bridge", mtu: 1300 } })
    const link = await node.link()
    assert.strictEqual(link?.linkinfo?.info_data?.["mode"], "bridge")
    assert.strictEqual(link?.mtu, 1300)
  })

  it("keeps a node of its own where its ifindex is taken in the pod", async () => {
    await using node = await makeNode(program)
    const device = await makeDevice(node, "dev0")
    await node.pod.ip(`link add br7 index ${device.ifindex} type bridge`)
    await node.add({ conf: { deviceID: "dev0" } })
    const link = await node.link()
    if (link === undefined) assert.fail("no link")
    assert.notStrictEqual(link.ifindex, device.ifindex)
    assert.strictEqual((await nodeStatus(tapNode(link)))?.device, await linkDevice(node.pod.name, link))
  })

  it.each([
    ["eth0", "eth0", /is a veth, not a macvtap/],
    ["lo", "lo", /is a physical or loopback link, not a macvtap/],
    ["br0", "a bridge", /is a bridge, not a macvtap/],
    ["mv0", "somebody's macvlan", /is a macvlan, not a macvtap/],
    ["taken", "another attachment's", /held by attachment net1 of container c9 in network other/],
    ["on1", "one on another master", /its master is "eth1", not "eth0"/],
    ["absent", "none that exists", /no link "absent" on this node, nor "mvt[0-9a-f]{12}"/],
    ["a-device-id-of-more-than-15-bytes", "a long one that does not exist", /cannot be attached/]
  ])("of %s (%s) is refused", async (deviceID, _, words) => {
    await using node = await makeNode(program)
    await node.host.ip("link add br0 type bridge")
    await node.host.ip("link add link eth0 name mv0 type macvlan mode bridge")
    await node.host.ip("link add eth1 type veth peer name wire1")
    await node.host.ip("link add link eth1 name on1 type macvtap")
    await node.host.ip("link add link eth0 name taken type macvtap mode bridge")
    await node.host.ip("link set taken alias macvtap-cni:other/c9/net1")
    const before = await ipLinks(node.host.name)
    const { code, msg, details } = await node.fails("ADD", { conf: { deviceID } })
    assert.strictEqual(code, 7)
    assert.match(msg, words)
    assert.isDefined(details)
    assert.deepStrictEqual(await ipLinks(node.host.name), before)
    assert.deepStrictEqual(await names(node.pod), ["lo"])
    await node.silent("DEL", { conf: { deviceID } })
    assert.deepStrictEqual(await ipLinks(node.host.name), before)
  })

  it.each([
    ["the name is taken by a veth", "link add net1 type veth peer name v1", {}],
    ["the name is taken by a bridge", "link add net1 type bridge", {}],
    ["the MAC address is the master's", "", { mac: "02:ee:00:00:00:01" }],
    ["the MAC address is another link's", "", { mac: "02:ee:00:00:00:02" }],
    ["the MTU is above the master's", "", { mtu: 1600 }],
    ["the mode is none that it can change to", "", { mode: "passthru" }],
    ["IPAM fails", "", { ipam: { type: "failing" } }],
    ["IPAM gives a route that cannot be", "", { ipam: { type: "stub" } }],
    ["the owner cannot be given", "", { mode: "source" }]
  ])("that fails since %s leaves the device as it was", async (_, setup, conf) => {
    await using node = await makeNode(program)
    await using stub = await makeStub({
      ADD: says({
        cniVersion: "1.1.0",
        ips: [{ address: "10.9.0.5/24" }],
        routes: [{ dst: "10.8.0.0/16", gw: "10.7.0.1" }]
      })
    })
    await node.host.ip("link set eth0 address 02:ee:00:00:00:01")
    await node.host.ip("link add link eth0 name other address 02:ee:00:00:00:02 type macvtap mode bridge")
    await node.host.ip("link set other up")
    if (setup !== "") await node.pod.ip(setup)
    const device = await makeDevice(node, "dev0", "address 02:00:00:00:00:99")
    await node.host.ip("link set dev0 alias a-note-of-mine")
    const before = await seen(node, device)
    const pod = await ipLinks(node.pod.name)
    await node.fails("ADD", { conf: { deviceID: "dev0", ...conf }, path: stub.path })
    assert.deepStrictEqual(await seen(node, device), before)
    assert.deepStrictEqual(await ipLinks(node.pod.name), pod)
    await node.silent("DEL", { conf: { deviceID: "dev0" } })
    assert.deepStrictEqual(await seen(node, device), before)
  })

  it("that fails leaves a device in mode passthru, and its master, as they were", async () => {
    await using node = await makeNode(program)
    await using stub = await makeStub({ ADD: "exit 1" })
    const device = await makeDevice(node, "dev0", "", "mode passthru")
    const before = await seen(node, device)
    const conf = { deviceID: "dev0", mac: "02:00:00:00:00:42", ipam: { type: "stub" } }
    await node.fails("ADD", { conf, path: stub.path })
    assert.deepStrictEqual(await seen(node, device), before)
    const { ipam: _, ...plain } = conf
    await node.add({ conf: plain })
    await node.silent("DEL", { conf: plain })
    assert.notInclude((await ipLink(node.host.name, "eth0"))?.flags.join(), "PROMISC")
    assert.strictEqual((await ipLink(node.host.name, "eth0"))?.allmulti, 0)
  })

  it("that fails leaves a device that was down down", async () => {
    await using node = await makeNode(program)
    await using stub = await makeStub({ ADD: "exit 1" })
    const device = await makeDevice(node, "dev0", "", "mode vepa", "down")
    const before = await seen(node, device)
    await node.fails("ADD", { conf: { deviceID: "dev0", ipam: { type: "stub" } }, path: stub.path })
    assert.deepStrictEqual(await seen(node, device), before)
  })

  it("is refused where the device's MAC address could not be restored", async () => {
    await using node = await makeNode(program)
    const twin = "address 02:00:00:00:00:99"
    const device = await makeDevice(node, "dev0", twin, "mode vepa", "down")
    await node.host.ip(`link add link eth0 name twin ${twin} type macvtap`)
    await node.host.ip("link set twin up")
    const before = await seen(node, device)
    const conf = { deviceID: "dev0", mac: "02:00:00:00:00:42" }
    const { msg } = await node.fails("ADD", { conf })
    assert.match(msg, /its MAC address 02:00:00:00:00:99 is that of link "twin" \(macvtap\) too/)
    assert.deepStrictEqual(await seen(node, device), before)
    await node.host.ip("link set twin down")
    await node.add({ conf })
    assert.strictEqual((await node.link())?.address, conf.mac)
  })

  it("that fails restores the rest where the MAC address was taken meanwhile", async () => {
    await using node = await makeNode(program)
    const mac = "02:00:00:00:00:99"
    await using stub = await makeStub({
      ADD:
        `ip -n ${node.host.name} link add link eth0 name twin address ${mac} type macvtap\n` +
        `ip -n ${node.host.name} link set twin up\nexit 1`
    })
    const device = await makeDevice(node, "dev0", `address ${mac}`)
    const { node: before } = await seen(node, device)
    const conf = { deviceID: "dev0", mac: "02:00:00:00:00:42", mtu: 1300, ipam: { type: "stub" } }
    const { status, stderr } = await node.call("ADD", { conf, path: stub.path })
    assert.strictEqual(status, 1)
    assert.match(stderr, /dev0 is back on the host, but its MAC address is 02:00:00:00:00:42, not 02:00:00:00:00:99/)
    assert.notMatch(stderr, /[{}]/)
    assert.deepStrictEqual(await ipLink(node.host.name, "dev0"), { ...device, address: conf.mac })
    assert.deepStrictEqual((await seen(node, device)).node, before)
    assert.deepStrictEqual(await names(node.pod), ["lo"])
  })

  it("that fails restores the rest where the ifindex was taken meanwhile", async () => {
    await using node = await makeNode(program)
    const device = await makeDevice(node, "dev0")
    const taking = `link add br7 index ${device.ifindex} type bridge`
    await using stub = await makeStub({ ADD: `ip -n ${node.host.name} ${taking}\nexit 1` })
    const conf = { deviceID: "dev0", mtu: 1300, mac: "02:00:00:00:00:42", ipam: { type: "stub" } }
    const { status, stderr } = await node.call("ADD", { conf, path: stub.path })
    assert.strictEqual(status, 1)
    const link = await ipLink(node.host.name, "dev0")
    if (link === undefined) assert.fail("the device is not on the host")
    assert.notStrictEqual(link.ifindex, device.ifindex)
    assert.deepStrictEqual({ ...link, ifindex: device.ifindex }, device)
    assert.include(stderr, `dev0 is back on the host, but its ifindex is ${link.ifindex}, not ${device.ifindex}`)
    const rights = await nodeStatus(tapNode(link))
    assert.deepInclude(rights, { uid: 4242, gid: 36, mode: 0o640 })
    assert.deepStrictEqual(await names(node.pod), ["lo"])
  })

  it("that fails leaves the device as it was although IPAM renamed it", async () => {
    await using node = await makeNode(program)
    await using stub = await makeStub({ ADD: `ip -n ${node.pod.name} link set net1 name renamed\nexit 1` })
    const device = await makeDevice(node, "dev0")
    const before = await seen(node, device)
    const { status, stderr } = await node.call("ADD", {
      conf: { deviceID: "dev0", mac: "02:00:00:00:00:42", ipam: { type: "stub" } },
      path: stub.path
    })
    assert.strictEqual(status, 1)
    assert.notMatch(stderr, /put back/)
    assert.deepStrictEqual(await seen(node, device), before)
    assert.deepStrictEqual(await names(node.pod), ["lo"])
  })

  it("whose answer nobody takes leaves the device as it was", async () => {
    await using node = await makeNode(program)
    const device = await makeDevice(node, "dev0")
    const before = await seen(node, device)
    const { run } = await import("../lab/run.ts")
    const call = { conf: { deviceID: "dev0" } }
    const line = `${node.command.join(" ")} > /dev/full`
    const { status, stderr } = await run("sh", ["-c", line], {
      env: node.envOf("ADD", call),
      stdin: node.stdinOf(call)
    })
    assert.strictEqual(status, 1)
    assert.match(stderr, /ENOSPC/)
    assert.deepStrictEqual(await seen(node, device), before)
  })

  it("of a macvlan, for a network of macvlans", async () => {
    await using node = await makeNode(program)
    await node.host.ip("link add link eth0 name mv0 type macvlan mode bridge")
    await node.add({ conf: { type: "macvlan", deviceID: "mv0" } })
    assert.strictEqual((await node.link())?.linkinfo?.info_kind, "macvlan")
  })
})
