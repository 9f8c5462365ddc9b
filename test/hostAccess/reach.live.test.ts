/** `"hostAccess": true`: who reaches whom, by real pings, and who notices nothing of it. */
import { assert, describe, it } from "vitest"
import { bothWays } from "../lab/call/node.ts"
import { ipAddresses, ipRoutes } from "../lab/ip.ts"
import { hasDebianPlugins, hasExecutable, hasMacvtap } from "../lab/machine.ts"
import { hostLinks, makeScene, node4, node6, pod4, pod6, podRoutes, reaches, sysctl, wire4, wire6 } from "./scene.ts"

const able = hasMacvtap && hasExecutable && hasDebianPlugins
const types = bothWays.flatMap(([name, program]) =>
  ["macvtap", "macvlan"].map((type) => [name, type, program] as const)
)

describe.skipIf(!able).concurrent.each(types)("%s: %s", (_, type, program) => {
  it("pod and node reach each other, in both families, and everybody else as before", async () => {
    await using scene = await makeScene(program)
    const { host, pod, wire } = scene
    const conf = { ...scene.conf(), type }
    const prevResult = await scene.add({ conf })
    for (const [from, to] of [
      [pod, node4],
      [pod, node6],
      [host, pod4],
      [host, pod6],
      [pod, wire4],
      [pod, wire6],
      [host, wire4],
      [host, wire6],
      [wire, node4],
      [wire, node6],
      [wire, pod4],
      [wire, pod6]
    ] as const) {
      assert.isTrue(await reaches(from, to), `${from.name} to ${to}`)
    }
    // A neighbour's table would show the host's own link, were it to answer where it should not.
    const master = (await scene.host.ip("-j link show dev eth0")).match(/"address":"([^"]*)"/)?.[1]
    for (const address of [node4, node6]) {
      assert.include(await wire.ip(`neigh show to ${address}`), `lladdr ${master} `, address)
    }
    const defaults = [...(await ipRoutes(pod.name, 4)), ...(await ipRoutes(pod.name, 6))].filter(
      ({ dst }) => dst === "default"
    )
    assert.deepStrictEqual(
      defaults.map(({ gateway }) => gateway),
      [wire4, wire6]
    )
    await scene.silent("CHECK", { conf: { ...conf, prevResult } })
    await scene.silent("DEL", { conf })
  })
})

describe.skipIf(!able).concurrent.each(bothWays)("%s: the host's own link", (_, program) => {
  it("is what its documentation says, and the master is as it was", async () => {
    await using scene = await makeScene(program)
    const before = [await scene.host.ip("addr show dev eth0"), await scene.host.ip("-d link show dev eth0")]
    await scene.add({ conf: scene.conf() })
    const [link, ...others] = await hostLinks(scene)
    assert.deepStrictEqual(others, [])
    assert.match(link?.ifname ?? "", /^mvhost/)
    assert.strictEqual(link?.link, "eth0")
    assert.strictEqual(link?.ifalias, "macvtap-cni host access")
    assert.deepStrictEqual(
      [link?.linkinfo?.info_kind, link?.linkinfo?.info_data?.["mode"], link?.flags.includes("UP")],
      ["macvlan", "bridge", true]
    )
    const addresses = await ipAddresses(scene.host.name, link?.ifname ?? "")
    assert.deepInclude(
      addresses.map(({ local, prefixlen }) => `${local}/${prefixlen}`),
      `${node4}/32`
    )
    // The prefix routes of its addresses would lead the master's own traffic astray.
    const astray = [...(await ipRoutes(scene.host.name, 4)), ...(await ipRoutes(scene.host.name, 6))].filter(
      ({ dev, dst }) => dev === link?.ifname && !["fe80::/64", "ff00::/8", "multicast", pod4, pod6].includes(dst)
    )
    assert.deepStrictEqual(astray, [])
    // Counts of what links above have asked for, and a detection that ends meanwhile; all else may not change.
    const counts = / (promiscuity \d+|allmulti \d+|tentative)/g
    const after = [await scene.host.ip("addr show dev eth0"), await scene.host.ip("-d link show dev eth0")]
    assert.deepStrictEqual(
      after.map((text) => text.replaceAll(counts, "")),
      before.map((text) => text.replaceAll(counts, ""))
    )
  })

  it("answers no pod without host access, nor the wire", async () => {
    await using scene = await makeScene(program)
    await scene.add({ conf: scene.conf() })
    const other = await scene.makePod()
    await scene.add({ pod: other, conf: { ...scene.conf(), hostAccess: false } })
    assert.isFalse(await reaches(other, node4))
    assert.isFalse(await reaches(other, node6))
    assert.isTrue(await reaches(other, wire4))
    assert.strictEqual((await podRoutes(scene)).length, 2)
  })

  it("answers where the node wants addresses asked for on their own link only (arp_ignore=1, arp_announce=2)", async () => {
    await using scene = await makeScene(program)
    await sysctl(scene.host, "net.ipv4.conf.all.arp_ignore=1", "net.ipv4.conf.all.arp_announce=2")
    await scene.add({ conf: scene.conf() })
    assert.isTrue(await reaches(scene.pod, node4))
    assert.isTrue(await reaches(scene.host, pod4))
  })

  it("stands in on a master that has no address, for those of the default route's link", async () => {
    await using scene = await makeScene(program, { addresses: false })
    const { host, pod } = scene
    await host.ip("link add mgmt type veth peer name cable")
    await host.ip("link set cable up")
    await host.ip("link set mgmt up")
    await host.ip("addr add 198.51.100.5/24 dev mgmt")
    await host.ip("addr add 2001:db8:5::5/64 dev mgmt nodad")
    await host.ip("route add default via 198.51.100.1")
    await host.ip("-6 route add default via 2001:db8:5::1")
    const prevResult = await scene.add({ conf: scene.conf() })
    for (const [from, to] of [
      [pod, "198.51.100.5"],
      [pod, "2001:db8:5::5"],
      [host, pod4],
      [host, pod6]
    ] as const) {
      assert.isTrue(await reaches(from, to), `${from.name} to ${to}`)
    }
    await scene.silent("CHECK", { conf: { ...scene.conf(), prevResult } })
    await scene.silent("DEL", { conf: scene.conf() })
    assert.deepStrictEqual((await hostLinks(scene)).map(({ ifname }) => ifname).sort(), ["cable", "mgmt"])
  })

  it("takes another address that the master gets later with the next ADD, and lets go of one that it lost", async () => {
    await using scene = await makeScene(program)
    const { host, pod } = scene
    await sysctl(host, "net.ipv4.conf.all.promote_secondaries=1")
    // One that wanders between nodes is not taken over.
    await host.ip("addr add 192.0.2.200/32 dev eth0")
    await scene.add({ conf: scene.conf([4]) })
    await host.ip("addr add 192.0.2.2/24 dev eth0")
    // Asked for by ARP, an address is answered wherever the node has it.
    assert.isTrue(await reaches(pod, "192.0.2.2"))
    const later = await scene.makePod()
    await scene.add({ pod: later, conf: scene.conf([4]) })
    const [link] = await hostLinks(scene)
    const carried = async () =>
      (await ipAddresses(host.name, link?.ifname ?? ""))
        .filter(({ family }) => family === "inet")
        .map(({ local }) => local)
    assert.deepStrictEqual(await carried(), [node4, "192.0.2.2"])
    await host.ip(`addr del ${node4}/24 dev eth0`)
    const third = await scene.makePod()
    await scene.add({ pod: third, conf: scene.conf([4]) })
    assert.deepStrictEqual(await carried(), ["192.0.2.2"])
    for (const from of [pod, later, third]) assert.isTrue(await reaches(from, "192.0.2.2"), from.name)
    assert.strictEqual((await podRoutes(scene)).length, 3)
  })

  it("outlives that its master goes down and up", async () => {
    await using scene = await makeScene(program)
    // Without it the kernel takes the master's own IPv6 addresses as it goes down.
    await sysctl(scene.host, "net.ipv6.conf.eth0.keep_addr_on_down=1")
    await scene.add({ conf: scene.conf() })
    await scene.host.ip("link set eth0 down")
    await scene.host.ip("link set eth0 up")
    assert.isTrue(await reaches(scene.pod, node4))
    assert.isTrue(await reaches(scene.host, pod4))
    assert.isTrue(await reaches(scene.host, pod6))
  })

  it("needs the node's IPv6 only for pods that have it", async () => {
    await using scene = await makeScene(program)
    await sysctl(scene.host, "net.ipv6.conf.default.disable_ipv6=1")
    await scene.add({ conf: scene.conf([4]) })
    assert.isTrue(await reaches(scene.pod, node4))
    const other = await scene.makePod()
    await scene.add({ pod: other, conf: scene.conf([6]) })
    assert.isTrue(await reaches(other, node6))
    assert.isTrue(await reaches(scene.host, pod6))
  })
})
