import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { macvlan } from "../../src/link/macvlan.ts"
import { macvtap } from "../../src/link/macvtap.ts"
import { addTap, eventually, type InWorld, namesIn, outcome } from "./inWorld.ts"
import { parent } from "./World.ts"

export const links = (it: InWorld): void => {
  it("is found by name and by ifindex, described alike", ({ host }) =>
    Effect.gen(function* () {
      const eth0 = yield* host.route.linkGet("eth0")
      assert.deepInclude({ ...eth0 }, { index: 3, name: "eth0", mtu: 1500, up: true, kind: "veth", options: {} })
      assert.deepStrictEqual(yield* host.route.linkGet(3), eth0)
      assert.deepStrictEqual(yield* namesIn(host), ["eth0", "lo", "wire0"])
    }))

  it("that is not there is LinkNotFound, whatever is asked of it", ({ host }) =>
    Effect.gen(function* () {
      const { linkGet, linkSet, linkDel } = host.route
      for (const request of [
        linkGet("nope"),
        linkGet("a-name-far-too-long-for-a-link"),
        linkGet(99),
        linkSet(99, { up: true }),
        linkSet(99, { mtu: 1400, name: "x" }),
        linkDel(99)
      ]) {
        assert.strictEqual(yield* outcome<unknown, never>(request), "LinkNotFound")
      }
    }))

  it("loopback is there, down, in a new namespace, and cannot be deleted or moved", ({ c1, c2 }) =>
    Effect.gen(function* () {
      const lo = yield* c1.route.linkGet("lo")
      assert.deepInclude({ ...lo }, { index: 1, mtu: 65536, up: false, running: false, options: {} })
      assert.strictEqual(yield* outcome(c1.route.linkDel(1)), "EOPNOTSUPP")
      assert.match(yield* outcome(c1.route.linkSet(1, { netns: c2.netns })), /^EINVAL/)
    }))

  it("is born in another namespace as it was asked for, without an alias", ({ host, c1 }) =>
    Effect.gen(function* () {
      yield* addTap(host, "net1", {
        index: 1_234_567_890,
        netns: c1.netns,
        mac: "02:03:04:05:06:07",
        mtu: 1400,
        up: true,
        allmulti: true,
        alias: "ignored by the kernel",
        options: { mode: "vepa", bcqueuelen: 50 }
      })
      const link = yield* c1.route.linkGet("net1")
      assert.deepInclude(
        { ...link, options: undefined, parent: undefined },
        {
          index: 1_234_567_890,
          kind: "macvtap",
          mac: "02:03:04:05:06:07",
          mtu: 1400,
          minMtu: 68,
          maxMtu: 65535,
          up: true,
          promisc: false,
          allmulti: true
        }
      )
      assert.deepStrictEqual(link.options, { mode: "vepa", flags: [], bcqueuelen: 50, bcQueueLenUsed: 50 })
      assert.strictEqual(link.parent?.index, parent)
      assert.isNumber(link.parent?.netnsid)
      assert.isUndefined(link.alias)
      assert.strictEqual(yield* outcome(host.route.linkGet("net1")), "LinkNotFound")
      assert.isTrue(yield* eventually(Effect.map(c1.route.linkGet("net1"), ({ running }) => running)))
    }))

  it("has its parent's MTU, a random MAC, mode vepa and the next ifindex where nothing is said", ({ host, c1 }) =>
    Effect.gen(function* () {
      yield* host.route.linkSet(parent, { mtu: 1300 })
      yield* host.route.linkAdd({ kind: macvlan, name: "net1", parent, netns: c1.netns })
      const link = yield* c1.route.linkGet("net1")
      assert.deepInclude({ ...link, options: undefined }, { index: 2, mtu: 1300, up: false, kind: "macvlan" })
      assert.strictEqual(link.options["mode"], "vepa")
      assert.strictEqual(Number.parseInt(link.mac?.slice(0, 2) ?? "ff", 16) & 3, 2)
    }))

  it("cannot be added where name, ifindex, MTU, MAC, parent or kind are wrong", ({ host, c1 }) =>
    Effect.gen(function* () {
      yield* addTap(host, "taken", { index: 500 })
      const add = (more: Parameters<typeof addTap>[2], name = "new") => outcome(addTap(host, name, more))
      const table = {
        name: [yield* add({}, "taken"), "EEXIST"],
        "name with an ifindex": [yield* add({ index: 600 }, "taken"), "EEXIST"],
        "name, empty": [yield* add({}, ""), "EINVAL"],
        "name with a slash": [yield* add({}, "a/b"), "EINVAL"],
        "name with a space": [yield* add({}, "a b"), "EINVAL"],
        "name with a colon": [yield* add({}, "a:b"), "EINVAL"],
        "name of dots": [yield* add({}, ".."), "EINVAL"],
        "name, long": [yield* add({}, "sixteen-letters-"), "ERANGE Attribute failed policy validation"],
        ifindex: [yield* add({ index: 500 }), "EEXIST"],
        "ifindex, negative": [yield* add({ index: -1 }), "EINVAL ifindex can't be negative"],
        "MTU above the parent's": [yield* add({ mtu: 1501 }), "EINVAL"],
        "MTU above the device's": [yield* add({ mtu: 65536 }), "EINVAL mtu greater than device maximum"],
        "MTU below": [yield* add({ mtu: 67 }), "EINVAL mtu less than device minimum"],
        "MAC, multicast": [yield* add({ mac: "01:00:5e:00:00:01" }), "EADDRNOTAVAIL"],
        "MAC, zero": [yield* add({ mac: "00:00:00:00:00:00" }), "EADDRNOTAVAIL"],
        parent: [yield* add({ parent: 99 }), "ENODEV"],
        "parent, loopback": [yield* add({ parent: 1 }), "EINVAL"],
        "the parent's MAC": [
          yield* add({ mac: (yield* host.route.linkGet(parent)).mac ?? "", up: true }),
          "EADDRINUSE"
        ],
        kind: [yield* add({ kind: { ...macvtap, kind: "nosuch", attributes: {} } }), "EOPNOTSUPP Unknown device type"],
        "source addresses in another mode": [
          yield* add({ options: { mode: "bridge", sourceMACs: ["02:00:00:00:00:01"] } }),
          "EINVAL"
        ]
      }
      for (const [what, [found, expected]] of Object.entries(table)) assert.strictEqual(found, expected, what)
      assert.deepStrictEqual(yield* namesIn(host), ["eth0", "lo", "taken", "wire0"])
      yield* addTap(host, "taken", { netns: c1.netns, index: 500 })
    }))

  it("takes a name of a pattern, and one of fifteen bytes", ({ host }) =>
    Effect.gen(function* () {
      yield* addTap(host, "tap%d")
      yield* addTap(host, "tap%d")
      yield* addTap(host, "fifteen-letters")
      assert.deepStrictEqual(yield* namesIn(host), ["eth0", "fifteen-letters", "lo", "tap0", "tap1", "wire0"])
      assert.strictEqual(yield* outcome(addTap(host, "tap%s")), "EINVAL")
    }))

  it("is changed attribute by attribute, and keeps what came before a refusal", ({ host }) =>
    Effect.gen(function* () {
      yield* addTap(host, "a", { index: 500 })
      yield* addTap(host, "b", { index: 501 })
      const { linkSet, linkGet } = host.route
      yield* linkSet(500, {
        mac: "02:00:00:00:00:0a",
        mtu: 1400,
        name: "c",
        alias: "whose it is",
        up: true,
        promisc: true,
        allmulti: true
      })
      assert.deepInclude(
        { ...(yield* linkGet(500)) },
        {
          name: "c",
          mac: "02:00:00:00:00:0a",
          mtu: 1400,
          alias: "whose it is",
          up: true,
          promisc: true,
          allmulti: true
        }
      )
      // MAC, MTU, name, alias, flags: in this order.
      const refused = { mac: "02:00:00:00:00:0b", mtu: 1300, name: "b", alias: "never" }
      assert.strictEqual(yield* outcome(linkSet(500, refused)), "EEXIST")
      assert.deepInclude(
        { ...(yield* linkGet(500)) },
        { name: "c", mac: "02:00:00:00:00:0b", mtu: 1300, alias: "whose it is" }
      )
      yield* linkSet(500, { alias: "", up: false, promisc: false, allmulti: false })
      const link = yield* linkGet(500)
      assert.deepInclude({ ...link }, { up: false, promisc: false, allmulti: false })
      assert.isUndefined(link.alias)
    }))

  it("refuses changes by name, MTU, MAC, alias and options", ({ host }) =>
    Effect.gen(function* () {
      yield* addTap(host, "a", { index: 500 })
      const set = (change: Parameters<typeof host.route.linkSet>[1]) => outcome(host.route.linkSet(500, change))
      const table = {
        same: [yield* set({ name: "a" }), "ok"],
        "empty name": [yield* set({ name: "" }), "ok"],
        "bad name": [yield* set({ name: "a/b" }), "EINVAL"],
        "long name": [yield* set({ name: "sixteen-letters-" }), "ERANGE Attribute failed policy validation"],
        "taken name": [yield* set({ name: "eth0" }), "EEXIST"],
        "MTU above the parent's": [yield* set({ mtu: 1501 }), "EINVAL"],
        "MTU above the device's": [yield* set({ mtu: 70000 }), "EINVAL mtu greater than device maximum"],
        "MTU below": [yield* set({ mtu: 0 }), "EINVAL mtu less than device minimum"],
        multicast: [yield* set({ mac: "03:00:00:00:00:01" }), "EADDRNOTAVAIL"],
        "parent's MAC": [yield* set({ mac: (yield* host.route.linkGet(parent)).mac ?? "" }), "EADDRINUSE"],
        "alias of 255 bytes": [yield* set({ alias: "x".repeat(255) }), "ok"],
        "alias of 256 bytes": [yield* set({ alias: "x".repeat(256) }), "ERANGE Attribute failed policy validation"],
        "mode to passthru": [yield* set({ kind: macvtap, options: { mode: "passthru" } }), "EINVAL"],
        "mode to private": [yield* set({ kind: macvtap, options: { mode: "private" } }), "ok"],
        "another kind": [yield* set({ kind: macvlan, options: { mode: "bridge" } }), "EOPNOTSUPP"],
        "ifindex of 0": [yield* set({ newIndex: 0 }), "ERANGE integer out of range"]
      }
      for (const [what, [found, expected]] of Object.entries(table)) assert.strictEqual(found, expected, what)
      assert.strictEqual((yield* host.route.linkGet(500)).options["mode"], "private")
    }))

  it("goes with its parent, and a veth with its other end", ({ host, c1, world }) =>
    Effect.gen(function* () {
      yield* addTap(host, "net1", { netns: c1.netns })
      yield* addTap(host, "here")
      yield* Effect.promise(() => world.scene.removeLink(world.host, "wire0"))
      assert.deepStrictEqual(yield* namesIn(host), ["lo"])
      assert.deepStrictEqual(yield* namesIn(c1), ["lo"])
    }))

  it("never has more than its parent's MTU, and does not get it back", ({ host, c1 }) =>
    Effect.gen(function* () {
      yield* addTap(host, "net1", { netns: c1.netns, mtu: 1450 })
      yield* host.route.linkSet(parent, { mtu: 1400 })
      assert.strictEqual((yield* c1.route.linkGet("net1")).mtu, 1400)
      yield* host.route.linkSet(parent, { mtu: 1500 })
      assert.strictEqual((yield* c1.route.linkGet("net1")).mtu, 1400)
    }))

  it("of a parent that is down goes up, but does not run", ({ host, c1 }) =>
    Effect.gen(function* () {
      yield* host.route.linkSet(parent, { up: false })
      yield* addTap(host, "net1", { netns: c1.netns, up: true })
      assert.deepInclude({ ...(yield* c1.route.linkGet("net1")) }, { up: true, running: false })
      yield* host.route.linkSet(parent, { up: true })
      assert.isTrue(yield* eventually(Effect.map(c1.route.linkGet("net1"), ({ running }) => running)))
    }))

  it("kinds that the kernel has are known, others are not, and asking leaves nothing", ({ host }) =>
    Effect.gen(function* () {
      assert.isTrue(yield* host.route.kindExists(macvtap))
      assert.isTrue(yield* host.route.kindExists(macvlan))
      assert.isFalse(yield* host.route.kindExists({ ...macvtap, kind: "nosuch" }))
      assert.deepStrictEqual(yield* namesIn(host), ["eth0", "lo", "wire0"])
    }))
}
