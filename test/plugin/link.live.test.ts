/** What ADD makes of a configuration, judged by ip; CHECK and DEL of it. */
import { symlink } from "node:fs/promises"
import { join } from "node:path"
import { assert, describe, it } from "vitest"
import { bothWays, makeNode, names, programs } from "../lab/call/node.ts"
import { makeFolder } from "../lab/folder.ts"
import { type IpLink, ipAddresses, ipLink } from "../lab/ip.ts"
import { hasExecutable, hasMacvtap } from "../lab/machine.ts"
import { must } from "../lab/run.ts"
import { linkDevice, nodeStatus, tapNode } from "../lab/tap.ts"

const flagsOf = (link: IpLink | undefined): Array<string> => [...(link?.flags ?? [])]

const able = hasMacvtap && hasExecutable

describe.skipIf(!able).each(programs)("%s", (_, program) => {
  it("makes a macvtap in the pod, checks it, takes it back, and does so again", async () => {
    await using node = await makeNode(program)
    for (let time = 0; time < 2; time++) {
      const result = await node.add({ args: "MAC=02:03:04:05:06:07;K8S_POD_NAME=web" })
      const link = await node.link()
      assert.isDefined(link)
      assert.strictEqual(link?.linkinfo?.info_kind, "macvtap")
      assert.strictEqual(link?.linkinfo?.info_data?.["mode"], "bridge")
      assert.strictEqual(link?.address, "02:03:04:05:06:07")
      assert.strictEqual(link?.mtu, 1500)
      assert.strictEqual(link?.ifalias, `macvtap-cni:lan/${node.pod.name}/net1`)
      assert.includeMembers(flagsOf(link), ["UP", "ALLMULTI"])
      assert.notInclude(flagsOf(link), "PROMISC")
      assert.strictEqual(link?.link_index, (await ipLink(node.host.name, "eth0"))?.ifindex)
      assert.deepStrictEqual(result, {
        cniVersion: "1.1.0",
        interfaces: [{ name: "net1", mac: "02:03:04:05:06:07", mtu: 1500, sandbox: node.pod.path }]
      })
      // The link itself has nothing to say: a guest is behind it.
      assert.deepStrictEqual(await ipAddresses(node.pod.name, "net1"), [])

      await node.silent("CHECK", { conf: { prevResult: result } })
      await node.silent("DEL", { conf: { prevResult: result } })
      await node.silent("DEL", { conf: { prevResult: result } })
      assert.deepStrictEqual(await names(node.pod), ["lo"])
      assert.deepStrictEqual(await names(node.host), ["eth0", "lo"])
      if (link !== undefined) assert.isUndefined(await nodeStatus(tapNode(link)))
    }
  })

  it("gives the tap's node to QEMU's user, or to whom the configuration says", async () => {
    await using node = await makeNode(program)
    for (const [conf, owner] of [
      [{}, [107, 107]],
      [{ owner: 4242 }, [4242, 107]],
      [{ owner: 0, group: 36 }, [0, 36]]
    ] as const) {
      const prevResult = await node.add({ conf })
      const link = await node.link()
      if (link === undefined) assert.fail("no link")
      const found = await nodeStatus(tapNode(link))
      assert.deepStrictEqual(found, {
        device: await linkDevice(node.pod.name, link),
        uid: owner[0],
        gid: owner[1],
        mode: 0o660
      })
      await node.silent("CHECK", { conf: { ...conf, prevResult } })
      await node.silent("DEL", { conf })
    }
  })

  it("makes a macvlan where the type says so: no node, no allmulti", async () => {
    await using node = await makeNode(program)
    const conf = { type: "macvlan", mode: "vepa" }
    const prevResult = await node.add({ conf })
    const link = await node.link()
    assert.strictEqual(link?.linkinfo?.info_kind, "macvlan")
    assert.strictEqual(link?.linkinfo?.info_data?.["mode"], "vepa")
    assert.notInclude(flagsOf(link), "ALLMULTI")
    await node.silent("CHECK", { conf: { ...conf, prevResult } })
    await node.silent("DEL", { conf })
    assert.deepStrictEqual(await names(node.pod), ["lo"])
  })

  it("makes it on the pod's own link", async () => {
    await using node = await makeNode(program)
    await node.host.ip(`link add v0 type veth peer name pod0 netns ${node.pod.name}`)
    await node.pod.ip("link set pod0 up")
    await node.host.ip("link set v0 up")
    const conf = { master: "pod0", linkInContainer: true }
    const prevResult = await node.add({ conf })
    assert.strictEqual((await node.link())?.link, "pod0")
    await node.silent("CHECK", { conf: { ...conf, prevResult } })
    await node.silent("DEL", { conf })
    assert.deepStrictEqual(await names(node.pod), ["lo", "pod0"])
    assert.match((await node.fails("ADD", { conf: { ...conf, master: "eth0" } })).msg, /"eth0" does not exist/)
    assert.match((await node.fails("ADD", { conf: { master: "pod0" } })).msg, /"pod0" does not exist/)
  })
})

describe.skipIf(!able).each(bothWays)("%s: a link", (_, program) => {
  it.each([
    ["bridge", {}],
    ["vepa", {}],
    ["private", {}],
    ["passthru", {}],
    ["source", { sourceMACs: ["02-00-00-00-00-BB", "0200.0000.00aa"] }]
  ])("in mode %s", async (mode, more) => {
    await using node = await makeNode(program)
    const before = await ipLink(node.host.name, "eth0")
    for (const type of ["macvtap", "macvlan"]) {
      const conf = { type, mode, ...more }
      const prevResult = await node.add({ conf })
      const data = (await node.link())?.linkinfo?.info_data
      assert.strictEqual(data?.["mode"], mode)
      if (mode === "source") {
        const list = data?.["macaddr_data"] as ReadonlyArray<string>
        assert.deepStrictEqual([...list].sort(), ["02:00:00:00:00:aa", "02:00:00:00:00:bb"])
      }
      await node.silent("CHECK", { conf: { ...conf, prevResult } })
      const other = mode === "vepa" ? "private" : "vepa"
      if (mode !== "passthru") {
        const { msg } = await node.fails("CHECK", { conf: { type, mode: other, prevResult } })
        assert.include(msg, `"mode" "${mode}", configured is "${other}"`)
      }
      await node.silent("DEL", { conf })
    }
    assert.deepStrictEqual(await ipLink(node.host.name, "eth0"), before)
  })

  it("in mode passthru has the MAC address that is asked for, and the master has its own back after it", async () => {
    await using node = await makeNode(program)
    const before = await ipLink(node.host.name, "eth0")
    const conf = { mode: "passthru", mac: "02:00:00:00:00:77" }
    const prevResult = await node.add({ conf })
    assert.strictEqual((await node.link())?.address, conf.mac)
    await node.silent("CHECK", { conf: { ...conf, prevResult } })
    await node.silent("DEL", { conf })
    assert.deepStrictEqual(await ipLink(node.host.name, "eth0"), before)
  })

  it("has the MTU, the flags and the queue that are asked for", async () => {
    await using node = await makeNode(program)
    const conf = { mtu: 1400, promiscMode: true, allmulti: false, bcqueuelen: 5000 }
    const result = await node.add({ conf })
    const link = await node.link()
    assert.strictEqual(link?.mtu, 1400)
    assert.strictEqual(result.interfaces?.[0]?.mtu, 1400)
    assert.include(flagsOf(link), "PROMISC")
    assert.notInclude(flagsOf(link), "ALLMULTI")
    assert.strictEqual(link?.linkinfo?.info_data?.["bcqueuelen"], 5000)
    await node.silent("CHECK", { conf: { ...conf, prevResult: result } })
    await node.pod.ip("link set net1 promisc off")
    assert.match((await node.fails("CHECK", { conf: { ...conf, prevResult: result } })).msg, /"promiscMode" off/)
    await node.silent("DEL")
  })

  it("has the MAC address of the first place that says one", async () => {
    await using node = await makeNode(program)
    const runtimeConfig = { mac: "02:00:00:00:00:01" }
    const args = { cni: { mac: "02-00-00-00-00-02" } }
    const all = { mac: "0200.0000.0004", args: "MAC=02:00:00:00:00:03" }
    for (const [conf, given, expected] of [
      [{ mac: all.mac, args, runtimeConfig }, all.args, "02:00:00:00:00:01"],
      [{ mac: all.mac, args }, all.args, "02:00:00:00:00:02"],
      [{ mac: all.mac }, all.args, "02:00:00:00:00:03"],
      [{ mac: all.mac }, "", "02:00:00:00:00:04"],
      [{ MAC: "02:00:00:00:00:AB" }, "", "02:00:00:00:00:ab"]
    ] as const) {
      await node.add({ conf, args: given })
      assert.strictEqual((await node.link())?.address, expected)
      await node.silent("DEL", { conf })
    }
  })

  it("on no link that nobody has named, where it is a macvtap: a pod may have forgotten to request its device", async () => {
    await using node = await makeNode(program)
    await node.host.ip("address add 192.0.2.1/24 dev eth0")
    await node.host.ip("route add default via 192.0.2.9")
    for (const conf of [{ master: undefined }, { master: "", linkInContainer: true }, { master: "", deviceID: "" }]) {
      const { code, msg, details = "" } = await node.fails("ADD", { conf })
      assert.deepStrictEqual([code, msg], [7, 'a macvtap needs "master" or "deviceID", and the network has neither'])
      assert.include(details, "resources.limits")
      assert.include(details, "k8s.v1.cni.cncf.io/resourceName")
      assert.deepStrictEqual(await names(node.pod), ["lo"])
      await node.silent("DEL", { conf })
    }
    await node.silent("STATUS", { conf: { master: undefined } })
  })

  it("on the default route's link where no master is named, the first hop of several included", async () => {
    await using node = await makeNode(program)
    const conf = { type: "macvlan", master: "" }
    const none = await node.fails("ADD", { conf })
    assert.match(none.msg, /no default route interface found/)
    assert.notMatch(none.details ?? "", /device/)
    await node.host.ip("link add eth1 type veth peer name wire1")
    await node.host.ip("link set eth1 up")
    await node.host.ip("link set wire1 up")
    await node.host.ip("address add 192.0.2.1/24 dev eth0")
    await node.host.ip("address add 198.51.100.1/24 dev eth1")
    const expected = (await ipLink(node.host.name, "eth1"))?.ifindex
    for (const route of [
      "route add default via 198.51.100.9",
      "route replace default nexthop via 198.51.100.9 nexthop via 192.0.2.9"
    ]) {
      await node.host.ip(route)
      const prevResult = await node.add({ conf })
      assert.strictEqual((await node.link())?.link_index, expected)
      await node.silent("CHECK", { conf: { ...conf, prevResult } })
      await node.silent("DEL", { conf })
    }
    await node.host.ip("route del default")
    await node.host.ip("-6 address add 2001:db8::1/64 dev eth1 nodad")
    await node.host.ip("-6 route add default via 2001:db8::9")
    await node.add({ conf })
    assert.strictEqual((await node.link())?.link_index, expected)
    await node.silent("DEL", { conf })
  })

  it("on a macvlan is on that one's master, and passes CHECK", async () => {
    await using node = await makeNode(program)
    await node.host.ip("link add mac0 link eth0 type macvlan mode bridge")
    await node.host.ip("link set mac0 up")
    const conf = { master: "mac0" }
    const prevResult = await node.add({ conf })
    await node.silent("CHECK", { conf: { ...conf, prevResult } })
    await node.silent("DEL", { conf })
  })

  it("in a pod whose IPv6 is switched off", async () => {
    await using node = await makeNode(program)
    await must("ip", ["netns", "exec", node.pod.name, "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1"])
    await must("ip", ["netns", "exec", node.pod.name, "sysctl", "-qw", "net.ipv6.conf.default.disable_ipv6=1"])
    await node.add()
    await node.silent("DEL")
  })

  it("without a carrier, with the master down", async () => {
    await using node = await makeNode(program)
    await node.host.ip("link set eth0 down")
    const prevResult = await node.add()
    assert.include(flagsOf(await node.link()), "UP")
    await node.silent("CHECK", { conf: { prevResult } })
    await node.silent("DEL")
  })

  it("of a program that is called macvlan is one, whatever it is a link to", async () => {
    await using node = await makeNode(program)
    await using folder = await makeFolder("pl")
    const called = join(folder.path, "macvlan")
    await symlink(program[0] ?? "", called)
    await using named = await makeNode([called])
    const { type: _, ...network } = named.network
    const stdin = JSON.stringify(network)
    await named.add({ stdin })
    assert.strictEqual((await named.link())?.linkinfo?.info_kind, "macvlan")
    await named.silent("DEL", { stdin })
    assert.deepStrictEqual(await names(named.pod), ["lo"])
    assert.isUndefined(await node.link())
  })

  it.each(["0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"])("at version %s", async (cniVersion) => {
    await using node = await makeNode(program)
    const prevResult = await node.add({ conf: { cniVersion } })
    if (cniVersion >= "0.4") await node.silent("CHECK", { conf: { cniVersion, prevResult } })
    await node.silent("DEL", { conf: { cniVersion } })
    assert.deepStrictEqual(await names(node.pod), ["lo"])
  })

  it.each(["0.1.0", "0.2.0", undefined])("at version %s is told without addresses", async (cniVersion) => {
    await using node = await makeNode(program)
    const { status, stdout, stderr } = await node.call("ADD", { conf: { cniVersion } })
    assert.strictEqual(status, 0, stdout + stderr)
    assert.deepStrictEqual(JSON.parse(stdout), { cniVersion: cniVersion ?? "0.1.0", dns: {} })
    assert.strictEqual((await node.link())?.linkinfo?.info_kind, "macvtap")
    await node.silent("DEL", { conf: { cniVersion } })
    assert.deepStrictEqual(await names(node.pod), ["lo"])
  })
})
