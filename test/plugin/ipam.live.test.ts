/** Addresses: Debian's IPAM plugins, and stubs that answer what Debian's old ones cannot. */
import { spawn } from "node:child_process"
import { assert, describe, it } from "vitest"
import { bothWays, makeNode, type Node, names, programs } from "../lab/call/node.ts"
import { makeStub, says } from "../lab/call/stub.ts"
import { assertError } from "../lab/call/wellFormed.ts"
import { makeFolder } from "../lab/folder.ts"
import { ipAddresses, ipRoutes } from "../lab/ip.ts"
import { hasDebianPlugins, hasExecutable, hasMacvtap } from "../lab/machine.ts"
import { must, until } from "../lab/run.ts"

const able = hasMacvtap && hasExecutable

const sysctl = (netns: string, setting: string) => must("ip", ["netns", "exec", netns, "sysctl", "-qw", setting])

const addresses = async (node: Node): Promise<ReadonlyArray<string>> =>
  (await ipAddresses(node.pod.name, "net1"))
    .filter(({ scope }) => scope === "global")
    .map(({ local, prefixlen }) => `${local}/${prefixlen}`)

const both = {
  cniVersion: "1.1.0",
  ips: [
    { address: "10.9.0.5/24", gateway: "10.9.0.1" },
    { address: "fd00:9::5/64", gateway: "fd00:9::1" }
  ],
  routes: [
    { dst: "0.0.0.0/0" },
    { dst: "::/0" },
    { dst: "10.20.0.0/16", gw: "10.9.0.7", mtu: 1300, advmss: 1200, priority: 50 },
    { dst: "10.30.0.0/16", gw: "10.9.0.1", table: 100 },
    { dst: "10.40.0.0/16", scope: 253 },
    { dst: "10.50.0.0/16" },
    { dst: "fd00:20::/48", gw: "fd00:9::7", mtu: 1300, priority: 50 },
    { dst: "fd00:30::/48", table: 100 }
  ]
}

describe.skipIf(!able || !hasDebianPlugins).each(programs)("%s", (_, program) => {
  it("delegates to host-local, both families, and releases", async () => {
    await using node = await makeNode(program)
    await using folder = await makeFolder("pl-ipam")
    const ipam = {
      type: "host-local",
      dataDir: folder.path,
      ranges: [[{ subnet: "10.1.0.0/24" }], [{ subnet: "fd00:1::/64" }]],
      routes: [{ dst: "0.0.0.0/0" }, { dst: "::/0" }]
    }
    const conf = { cniVersion: "1.0.0", ipam }
    const prevResult = await node.add({ conf })
    assert.deepStrictEqual(prevResult.ips, [
      { address: "10.1.0.2/24", gateway: "10.1.0.1", interface: 0 },
      { address: "fd00:1::2/64", gateway: "fd00:1::1", interface: 0 }
    ])
    assert.deepStrictEqual(await addresses(node), ["10.1.0.2/24", "fd00:1::2/64"])
    const [v4] = (await ipRoutes(node.pod.name, 4)).filter(({ dst }) => dst === "default")
    const [v6] = (await ipRoutes(node.pod.name, 6)).filter(({ dst }) => dst === "default")
    assert.deepStrictEqual([v4?.gateway, v6?.gateway], ["10.1.0.1", "fd00:1::1"])
    await node.silent("CHECK", { conf: { ...conf, prevResult } })
    await node.silent("DEL", { conf: { ...conf, prevResult } })
    await node.silent("DEL", { conf: { ...conf, prevResult } })
    assert.deepStrictEqual(await names(node.pod), ["lo"])
    const next = await node.add({ conf: { ...conf, ipam: { ...ipam, ranges: [[{ subnet: "10.1.0.0/30" }]] } } })
    assert.strictEqual(next.ips?.[0]?.address, "10.1.0.2/30")
    await node.silent("DEL", { conf })
  })
})

describe.skipIf(!able || !hasDebianPlugins).each(bothWays)("%s: static", (_, program) => {
  it.each(["0.3.1", "0.4.0", "1.0.0"])("at %s", async (cniVersion) => {
    await using node = await makeNode(program)
    const ipam = {
      type: "static",
      addresses: [{ address: "10.1.0.9/24", gateway: "10.1.0.1" }],
      routes: [{ dst: "10.8.0.0/16", gw: "10.1.0.7" }]
    }
    const conf = { cniVersion, ipam, dns: { nameservers: ["1.1.1.1"] } }
    const prevResult = await node.add({ conf })
    assert.deepStrictEqual(prevResult.dns, conf.dns)
    assert.deepStrictEqual(prevResult.routes, [{ dst: "10.8.0.0/16", gw: "10.1.0.7" }])
    assert.deepStrictEqual(await addresses(node), ["10.1.0.9/24"])
    const route = (await ipRoutes(node.pod.name)).find(({ dst }) => dst === "10.8.0.0/16")
    assert.strictEqual(route?.gateway, "10.1.0.7")
    if (cniVersion !== "0.3.1") await node.silent("CHECK", { conf: { ...conf, prevResult } })
    await node.silent("DEL", { conf })
  })

  it("at 0.2.0, whose result is nothing but addresses", async () => {
    await using node = await makeNode(program)
    const ipam = { type: "static", addresses: [{ address: "10.1.0.9/24", gateway: "10.1.0.1" }] }
    const result = await node.add({ conf: { cniVersion: "0.2.0", ipam } })
    assert.deepStrictEqual(result, {
      cniVersion: "0.2.0",
      ip4: { ip: "10.1.0.9/24", gateway: "10.1.0.1" },
      dns: {}
    })
    await node.silent("DEL", { conf: { cniVersion: "0.2.0", ipam } })
  })

  it("with a lone address of either family passes CHECK", async () => {
    await using node = await makeNode(program)
    const ipam = { type: "static", addresses: [{ address: "10.1.0.9/32" }, { address: "fd00:1::9/128" }] }
    const conf = { cniVersion: "1.0.0", ipam }
    const prevResult = await node.add({ conf })
    await node.silent("CHECK", { conf: { ...conf, prevResult } })
    await node.silent("DEL", { conf })
  })
})

describe.skipIf(!able).each(bothWays)("%s: what IPAM allots", (_, program) => {
  it("is on the link with every field of its routes, and passes CHECK", async () => {
    await using node = await makeNode(program)
    await using stub = await makeStub({ ADD: says(both) })
    const call = { conf: { ipam: { type: "stub" } }, path: stub.path }
    const prevResult = await node.add(call)
    assert.deepStrictEqual(await addresses(node), ["10.9.0.5/24", "fd00:9::5/64"])
    const routes = [...(await ipRoutes(node.pod.name, 4)), ...(await ipRoutes(node.pod.name, 6))]
    const route = (dst: string) => routes.find((one) => one.dst === dst)
    assert.include(route("10.20.0.0/16"), { gateway: "10.9.0.7", metric: 50 })
    assert.deepInclude(route("10.20.0.0/16")?.metrics?.[0], { mtu: 1300, advmss: 1200 })
    assert.include(route("10.30.0.0/16"), { gateway: "10.9.0.1", table: "100" })
    assert.include(route("10.40.0.0/16"), { scope: "link" })
    assert.isUndefined(route("10.40.0.0/16")?.gateway)
    assert.include(route("10.50.0.0/16"), { gateway: "10.9.0.1" })
    assert.include(route("fd00:20::/48"), { gateway: "fd00:9::7", metric: 50 })
    assert.include(route("fd00:30::/48"), { table: "100" })
    assert.deepStrictEqual(
      prevResult.ips?.map(({ interface: index }) => index),
      [0, 0]
    )
    assert.deepStrictEqual(prevResult.routes, both.routes)
    assert.strictEqual(await stub.stdin("ADD"), node.stdinOf(call), "the very bytes that we were given")
    await node.silent("CHECK", { ...call, conf: { ...call.conf, prevResult } })
    await node.pod.ip("route del 10.30.0.0/16 table 100")
    const { msg } = await node.fails("CHECK", { ...call, conf: { ...call.conf, prevResult } })
    assert.match(msg, /10\.30\.0\.0\/16/)
    await node.silent("DEL", call)
    assert.deepStrictEqual(await stub.calls(), ["ADD", "CHECK", "CHECK", "DEL"])
  })

  it("is announced on the wire: gratuitous ARP, unsolicited neighbour advertisement", async () => {
    await using node = await makeNode(program)
    await using stub = await makeStub({ ADD: says(both) })
    // A neighbour that takes what it was not asked for is the witness.
    await sysctl(node.wire.name, "net.ipv4.conf.wire0.arp_accept=1")
    await sysctl(node.wire.name, "net.ipv6.conf.wire0.forwarding=1")
    await sysctl(node.wire.name, "net.ipv6.conf.wire0.accept_untracked_na=1")
    const call = { conf: { ipam: { type: "stub" }, mac: "02:00:00:00:00:55" }, path: stub.path }
    await node.add(call)
    const known = async () =>
      JSON.parse(await must("ip", ["-n", node.wire.name, "-j", "neigh", "show", "dev", "wire0"]))
    await until("the neighbour has heard of both addresses", async () => {
      const heard = (await known()) as ReadonlyArray<{ readonly dst: string; readonly lladdr?: string }>
      return ["10.9.0.5", "fd00:9::5"].every((ip) =>
        heard.some(({ dst, lladdr }) => dst === ip && lladdr === "02:00:00:00:00:55")
      )
    })
  })

  it("that somebody else has is found, and everything is taken back", async () => {
    await using node = await makeNode(program)
    await using stub = await makeStub({ ADD: says(both) })
    await node.wire.ip("address add fd00:9::5/64 dev wire0 nodad")
    const { msg } = await node.fails("ADD", { conf: { ipam: { type: "stub" } }, path: stub.path })
    assert.match(msg, /fd00:9::5 in DADFAILED state/)
    assert.deepStrictEqual(await names(node.pod), ["lo"])
    assert.deepStrictEqual(await stub.calls(), ["ADD", "DEL"])
  })

  it("is put on a link without a carrier, without waiting for what cannot be found out", async () => {
    await using node = await makeNode(program)
    await using stub = await makeStub({ ADD: says({ ...both, routes: [] }) })
    await node.wire.ip("link set wire0 down")
    const started = performance.now()
    await node.add({ conf: { ipam: { type: "stub" } }, path: stub.path })
    assert.isBelow(performance.now() - started, 4000)
    assert.deepStrictEqual(await addresses(node), ["10.9.0.5/24", "fd00:9::5/64"])
  })

  it("is put on a link in a pod whose IPv6 is switched off, which is switched on for it", async () => {
    await using node = await makeNode(program)
    await using stub = await makeStub({ ADD: says(both) })
    await sysctl(node.pod.name, "net.ipv6.conf.all.disable_ipv6=1")
    await sysctl(node.pod.name, "net.ipv6.conf.default.disable_ipv6=1")
    await node.add({ conf: { ipam: { type: "stub" } }, path: stub.path })
    assert.deepStrictEqual(await addresses(node), ["10.9.0.5/24", "fd00:9::5/64"])
  })

  it("comes after what the chain had before, re-indexed", async () => {
    await using node = await makeNode(program)
    await using stub = await makeStub({ ADD: says({ cniVersion: "1.0.0", ips: [{ address: "10.9.0.5/24" }] }) })
    const before = {
      cniVersion: "1.1.0",
      interfaces: [{ name: "br0" }, { name: "eth0", sandbox: node.pod.path, mac: "02:11:11:11:11:11" }],
      ips: [{ interface: 1, address: "10.244.0.7/24", gateway: "10.244.0.1" }],
      routes: [{ dst: "0.0.0.0/0", gw: "10.244.0.1" }],
      dns: { nameservers: ["10.96.0.10"] }
    }
    const call = { conf: { ipam: { type: "stub" }, prevResult: before }, path: stub.path }
    const result = await node.add(call)
    assert.deepStrictEqual(result.interfaces?.slice(0, 2), before.interfaces)
    assert.strictEqual(result.interfaces?.[2]?.name, "net1")
    assert.deepStrictEqual(result.ips, [...before.ips, { interface: 2, address: "10.9.0.5/24" }])
    assert.deepStrictEqual(result.routes, before.routes)
    assert.deepStrictEqual(result.dns, before.dns)
  })
})

/** Shell commands of the stub's ADD, and what is said of them. */
const bad: ReadonlyArray<readonly [what: string, script: string, code: number, words: RegExp]> = [
  ["an error object", `${says({ code: 104, msg: "no addresses", details: "left" })}\nexit 1`, 104, /^no addresses$/],
  ["an error object without details", `${says({ code: 11, msg: "again" })}\nexit 3`, 11, /^again$/],
  ["garbage", says("not JSON at all"), 6, /IPAM plugin "stub".*invalid character/],
  ["nothing", "exit 0", 6, /IPAM plugin "stub".*unexpected end/],
  ["null", says("null"), 999, /missing IP config/],
  ["no addresses", says({ cniVersion: "1.1.0", ips: [] }), 999, /missing IP config/],
  [
    "an unknown version",
    says({ cniVersion: "2.0.0", ips: [{ address: "10.9.0.5/24" }] }),
    999,
    /unsupported CNI result version "2\.0\.0"/
  ],
  ["an address that is none", says({ cniVersion: "1.1.0", ips: [{ address: "10.9.0.5" }] }), 6, /ips\[0\]\.address/],
  ["two documents", says(`${JSON.stringify(both)}${JSON.stringify(both)}`), 6, /after top-level value/],
  [
    "its words on stderr",
    "echo 'it does not work' >&2\nexit 1",
    999,
    /IPAM plugin "stub" failed: it does not work: exit status 1/
  ],
  [
    "several lines",
    `printf 'first\\n\\tsecond\\r\\n\\033[31mthird\\n' >&2\nexit 1`,
    999,
    /IPAM plugin "stub" failed: first; second; \[31mthird: exit status 1/
  ],
  ["a signal", "kill -KILL $$", 999, /signal SIGKILL/],
  ["a page of words", "yes word | head -c 200000 >&2\nexit 1", 999, /^.{0,2000}$/],
  ["a huge answer", "yes | head -c 40000000", 999, /EFBIG/],
  [
    "a gateway out of reach",
    says({ cniVersion: "1.1.0", ips: [{ address: "10.9.0.5/24" }], routes: [{ dst: "10.8.0.0/16", gw: "10.7.0.1" }] }),
    7,
    /failed to add route 10\.8\.0\.0\/16 via 10\.7\.0\.1/
  ],
  [
    "a route with the host's bits",
    says({ cniVersion: "1.1.0", ips: [{ address: "10.9.0.5/24" }], routes: [{ dst: "10.8.0.1/16" }] }),
    7,
    /10\.8\.0\.1\/16/
  ],
  [
    "one address twice",
    says({ cniVersion: "1.1.0", ips: [{ address: "10.9.0.5/24" }, { address: "10.9.0.5/24" }] }),
    7,
    /10\.9\.0\.5\/24.*EEXIST/
  ]
]

describe.skipIf(!able).each(bothWays)("%s: an ADD whose IPAM plugin answers", (_, program) => {
  it("an IPv6 address for a link that is too small for IPv6 is told so", async () => {
    await using node = await makeNode(program)
    await using stub = await makeStub({ ADD: says(both) })
    const error = await node.fails("ADD", { conf: { mtu: 1000, ipam: { type: "stub" } }, path: stub.path })
    assert.strictEqual(error.msg, 'link "net1" has no IPv6, but was allotted an IPv6 address')
    assert.match(error.details ?? "", /its MTU is 1000, IPv6 needs 1280 at least/)
    assert.deepStrictEqual(await names(node.pod), ["lo"])
  })

  it.each(bad)("%s fails with one error object, releases, and leaves nothing", async (_, script, code, words) => {
    await using node = await makeNode(program)
    await using stub = await makeStub({ ADD: script })
    const error = await node.fails("ADD", { conf: { ipam: { type: "stub" } }, path: stub.path })
    assert.strictEqual(error.code, code, error.msg)
    assert.match(error.msg, words)
    assert.deepStrictEqual(await names(node.pod), ["lo"])
    assert.deepStrictEqual(await stub.calls(), ["ADD", "DEL"])
    assert.strictEqual(await stub.stdin("DEL"), await stub.stdin("ADD"))
  })
})

describe.skipIf(!able).each(programs)("%s: an ADD", (_, program) => {
  it("is told to stop while it waits: rolled back, released, one error object", async () => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) {
      await using node = await makeNode(program)
      await using stub = await makeStub({ ADD: "sleep 60" })
      const call = { conf: { ipam: { type: "stub" } }, path: stub.path }
      const [first = "", ...rest] = node.command
      const child = spawn(first, rest, { env: node.envOf("ADD", call), stdio: ["pipe", "pipe", "inherit"] })
      child.stdin.end(node.stdinOf(call))
      let stdout = ""
      child.stdout.on("data", (chunk) => {
        stdout += chunk
      })
      await until("IPAM is asked", async () => (await stub.calls()).length === 1)
      assert.deepStrictEqual(await names(node.pod), ["lo", "net1"])
      child.kill(signal)
      const status = await new Promise((resolve) => child.on("close", resolve))
      assert.strictEqual(status, 1)
      assert.strictEqual(assertError(stdout, "1.1.0").code, 11)
      assert.deepStrictEqual(await names(node.pod), ["lo"])
      assert.deepStrictEqual(await stub.calls(), ["ADD", "DEL"])
    }
  })
})

describe.skipIf(!able).each(bothWays)("%s: a delegate", (_, program) => {
  it("that is not there is named, with the folders that were searched", async () => {
    await using node = await makeNode(program)
    const { msg } = await node.fails("ADD", { conf: { ipam: { type: "absent" } }, path: "/usr/lib/cni:/opt/none" })
    assert.strictEqual(msg, 'failed to find plugin "absent" in path [/usr/lib/cni /opt/none]')
    assert.deepStrictEqual(await names(node.pod), ["lo"])
  })

  it("hears of CHECK, GC and STATUS, and its errors go up unchanged", async () => {
    await using node = await makeNode(program)
    const refused = `${says({ code: 51, msg: "limited", details: "half of it" })}\nexit 1`
    await using stub = await makeStub({ ADD: says(both), CHECK: refused, GC: refused, STATUS: refused })
    // GC looks into every namespace of the machine: the network is no other run's.
    const call = { conf: { name: `lan-${process.pid}`, ipam: { type: "stub" } }, path: stub.path }
    const prevResult = await node.add(call)
    for (const command of ["CHECK", "GC", "STATUS"] as const) {
      const error = await node.fails(command, { ...call, conf: { ...call.conf, prevResult } })
      assert.deepStrictEqual(error, { cniVersion: "1.1.0", code: 51, msg: "limited", details: "half of it" })
    }
    assert.deepStrictEqual(await stub.calls(), ["ADD", "CHECK", "GC", "STATUS"])
  })

  it("that fails at DEL keeps the link from staying no more than it keeps its error from being told", async () => {
    await using node = await makeNode(program)
    await using stub = await makeStub({ ADD: says(both), DEL: `${says({ code: 104, msg: "no store" })}\nexit 1` })
    const call = { conf: { ipam: { type: "stub" } }, path: stub.path }
    await node.add(call)
    const error = await node.fails("DEL", call)
    assert.deepInclude(error, { code: 104, msg: "no store" })
    assert.deepStrictEqual(await names(node.pod), ["lo"])
  })

  it("is released where the pod is gone already", async () => {
    await using node = await makeNode(program)
    await using stub = await makeStub({})
    const call = { conf: { ipam: { type: "stub" } }, path: stub.path }
    await node.silent("DEL", { ...call, env: { CNI_NETNS: "" } })
    await node.silent("DEL", { ...call, env: { CNI_NETNS: undefined } })
    await node.silent("DEL", { ...call, env: { CNI_NETNS: "/run/netns/pl-gone" } })
    assert.deepStrictEqual(await stub.calls(), ["DEL", "DEL", "DEL"])
  })

  it("sees the link in the pod, named and down, when it is asked for an address", async () => {
    await using node = await makeNode(program)
    await using stub = await makeStub({
      ADD: `nsenter --net=$CNI_NETNS ip -br link show $CNI_IFNAME > "$(dirname "$0")/seen"\n${says(both)}`
    })
    await node.add({ conf: { ipam: { type: "stub" } }, path: stub.path })
    assert.match(await stub.stdin("seen"), /^net1@if\d+ +DOWN/)
  })
})
