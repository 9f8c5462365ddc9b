import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { macvlan } from "../../src/link/macvlan.ts"
import { macvtap } from "../../src/link/macvtap.ts"
import { addTap, type InWorld, outcome } from "./inWorld.ts"
import { parent } from "./World.ts"

const mac = "02:00:00:00:00:0a"

export const sharing = (it: InWorld): void => {
  it("a MAC address is claimed by going up: a second link with it is made, but stays down", ({ host, c1, c2 }) =>
    Effect.gen(function* () {
      yield* addTap(host, "net1", { netns: c1.netns, mac, up: true })
      assert.strictEqual(yield* outcome(addTap(host, "net1", { netns: c2.netns, mac, up: true })), "EADDRINUSE")
      assert.strictEqual(yield* outcome(c2.route.linkGet("net1")), "LinkNotFound")
      yield* addTap(host, "net1", { netns: c2.netns, mac, index: 500 })
      assert.strictEqual(yield* outcome(c2.route.linkSet(500, { up: true, allmulti: true })), "EADDRINUSE")
      assert.deepInclude({ ...(yield* c2.route.linkGet(500)) }, { up: false, allmulti: true })
      yield* c1.route.linkDel((yield* c1.route.linkGet("net1")).index)
      yield* c2.route.linkSet(500, { up: true })
    }))

  it("a MAC address that a link in use has cannot be set", ({ host }) =>
    Effect.gen(function* () {
      yield* addTap(host, "a", { index: 500, mac, up: true })
      yield* addTap(host, "b", { index: 501 })
      assert.strictEqual(yield* outcome(host.route.linkSet(501, { mac })), "EADDRINUSE")
      yield* host.route.linkSet(500, { up: false })
      yield* host.route.linkSet(501, { mac })
      assert.strictEqual(yield* outcome(host.route.linkSet(500, { mac })), "ok")
    }))

  it("passthru takes the parent for itself, and has its MAC", ({ host, c1 }) =>
    Effect.gen(function* () {
      const own = (yield* host.route.linkGet(parent)).mac
      const macOfParent = Effect.map(host.route.linkGet(parent), (link) => link.mac)
      yield* addTap(host, "net1", { netns: c1.netns, index: 500, mac, options: { mode: "passthru" }, up: true })
      assert.strictEqual((yield* c1.route.linkGet(500)).mac, own)
      assert.strictEqual(yield* outcome(addTap(host, "b")), "EINVAL")
      assert.strictEqual(yield* outcome(addTap(host, "b", { options: { mode: "passthru" } })), "EINVAL")
      yield* c1.route.linkSet(500, { mac })
      assert.strictEqual(yield* macOfParent, mac)
      const toBridge = c1.route.linkSet(500, { kind: macvtap, options: { mode: "bridge" } })
      assert.strictEqual(yield* outcome(toBridge), "EINVAL")
      yield* c1.route.linkDel(500)
      assert.strictEqual(yield* macOfParent, own)
      yield* addTap(host, "b")
    }))

  it("passthru has the MAC that the parent is given, which stays the parent's", ({ host }) =>
    Effect.gen(function* () {
      yield* addTap(host, "a", { index: 500, options: { mode: "passthru" } })
      yield* host.route.linkSet(parent, { mac })
      assert.strictEqual((yield* host.route.linkGet(500)).mac, mac)
      yield* host.route.linkDel(500)
      assert.strictEqual((yield* host.route.linkGet(parent)).mac, mac)
    }))

  it("passthru is refused beside others", ({ host }) =>
    Effect.gen(function* () {
      yield* addTap(host, "a")
      assert.strictEqual(yield* outcome(addTap(host, "b", { options: { mode: "passthru" } })), "EINVAL")
    }))

  it("a link on a macvlan or macvtap is on the real device below", ({ host }) =>
    Effect.gen(function* () {
      yield* host.route.linkAdd({ kind: macvlan, name: "a", parent, index: 500, mtu: 1400 })
      yield* addTap(host, "b", { parent: 500 })
      const link = yield* host.route.linkGet("b")
      assert.deepInclude({ ...link, parent: undefined }, { mtu: 1500 })
      assert.deepStrictEqual(link.parent, { index: parent })
      yield* addTap(host, "c", { parent: link.index })
      assert.deepStrictEqual((yield* host.route.linkGet("c")).parent, { index: parent })
      yield* host.route.linkDel(500)
      assert.strictEqual((yield* host.route.linkGet("b")).name, "b")
    }))

  it("a port of a bridge carries none; the bridge itself does", ({ host, world }) =>
    Effect.gen(function* () {
      yield* Effect.promise(() => world.scene.addBridge(world.host, "br0"))
      yield* Effect.promise(() => world.scene.enslave(world.host, "eth0", "br0"))
      const bridge = yield* host.route.linkGet("br0")
      assert.strictEqual((yield* host.route.linkGet(parent)).controller, bridge.index)
      assert.strictEqual(yield* outcome(addTap(host, "a")), "EBUSY")
      yield* addTap(host, "b", { parent: bridge.index })
      assert.deepStrictEqual((yield* host.route.linkGet("b")).parent, { index: bridge.index })
    }))

  it("the queue for broadcasts is as long as the longest that any link wants", ({ host }) =>
    Effect.gen(function* () {
      yield* addTap(host, "a", { options: { mode: "bridge", bcqueuelen: 5000 } })
      yield* addTap(host, "b", { options: { mode: "bridge", bcqueuelen: 50 }, index: 500 })
      assert.deepInclude((yield* host.route.linkGet("b")).options, { bcqueuelen: 50, bcQueueLenUsed: 5000 })
      yield* host.route.linkDel((yield* host.route.linkGet("a")).index)
      assert.deepInclude((yield* host.route.linkGet("b")).options, { bcqueuelen: 50, bcQueueLenUsed: 50 })
    }))

  it("source addresses are a set of mode source, replaced as a whole", ({ host }) =>
    Effect.gen(function* () {
      const one = ["02:00:00:00:00:01", "02:00:00:00:00:02"]
      yield* addTap(host, "a", { index: 500, options: { mode: "source", sourceMACs: one } })
      const options = () => Effect.map(host.route.linkGet(500), (link) => link.options)
      assert.deepStrictEqual((yield* options())["sourceMACs"], one)
      yield* host.route.linkSet(500, { kind: macvtap, options: { sourceMACs: ["02:00:00:00:00:03"] } })
      assert.deepStrictEqual((yield* options())["sourceMACs"], ["02:00:00:00:00:03"])
      yield* host.route.linkSet(500, { kind: macvtap, options: { mode: "bridge" } })
      assert.isUndefined((yield* options())["sourceMACs"])
      const refused = host.route.linkSet(500, { kind: macvtap, options: { mode: "private", sourceMACs: one } })
      assert.strictEqual(yield* outcome(refused), "EINVAL")
      assert.strictEqual((yield* options())["mode"], "private")
    }))
}
