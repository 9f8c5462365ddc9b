import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { NetnsService } from "../../src/services/NetnsService.ts"
import { addTap, eventually, type InWorld, namesIn, outcome } from "./inWorld.ts"
import { parent } from "./World.ts"

export const moves = (it: InWorld): void => {
  it("keeps name, ifindex, MAC, MTU, alias and mode, and goes down", ({ host, c1 }) =>
    Effect.gen(function* () {
      yield* addTap(host, "dev0", { index: 500, mac: "02:00:00:00:00:01", mtu: 1400, up: true, promisc: true })
      yield* host.route.linkSet(500, { alias: "mine" })
      yield* host.route.linkSet(500, { netns: c1.netns })
      assert.strictEqual(yield* outcome(host.route.linkGet("dev0")), "LinkNotFound")
      assert.deepInclude(
        { ...(yield* c1.route.linkGet("dev0")) },
        { index: 500, mac: "02:00:00:00:00:01", mtu: 1400, alias: "mine", up: false, promisc: true }
      )
    }))

  it("is configured on the way, in one request", ({ host, c1 }) =>
    Effect.gen(function* () {
      yield* addTap(host, "dev0", { index: 500 })
      const change = { netns: c1.netns, newIndex: 700, name: "net1", mac: "02:00:00:00:00:02", mtu: 1300, alias: "a" }
      yield* host.route.linkSet(500, { ...change, up: true, allmulti: true })
      assert.deepInclude(
        { ...(yield* c1.route.linkGet("net1")) },
        { index: 700, mac: "02:00:00:00:00:02", mtu: 1300, alias: "a", up: true, allmulti: true }
      )
    }))

  it("gets another ifindex where its own is taken, unless one is asked for that is taken too", ({ host, c1 }) =>
    Effect.gen(function* () {
      yield* addTap(host, "there", { index: 500, netns: c1.netns })
      yield* addTap(host, "dev0", { index: 500 })
      assert.strictEqual(
        yield* outcome(host.route.linkSet(500, { netns: c1.netns, newIndex: 500 })),
        "EBUSY The ifindex 500 is not available in the target netns"
      )
      assert.strictEqual((yield* host.route.linkGet("dev0")).index, 500)
      yield* host.route.linkSet(500, { netns: c1.netns })
      assert.strictEqual((yield* c1.route.linkGet("dev0")).index, 2)
    }))

  it("is refused where its name is taken there, and so is the new one", ({ host, c1 }) =>
    Effect.gen(function* () {
      yield* addTap(host, "dev0", { netns: c1.netns, index: 600 })
      yield* addTap(host, "dev0", { index: 500 })
      assert.strictEqual(
        yield* outcome(host.route.linkSet(500, { netns: c1.netns })),
        "EEXIST An interface with the same name exists in the target netns"
      )
      assert.match(yield* outcome(host.route.linkSet(500, { netns: c1.netns, name: "dev0" })), /^EEXIST Unable to use/)
      yield* host.route.linkSet(500, { netns: c1.netns, name: "net1" })
      assert.deepStrictEqual(yield* namesIn(c1), ["dev0", "lo", "net1"])
    }))

  it("happens before the new name is found taken: the link is there, under its old name, and down", ({ host, c1 }) =>
    Effect.gen(function* () {
      yield* addTap(host, "net1", { netns: c1.netns, index: 600 })
      yield* addTap(host, "dev0", { index: 500, up: true })
      assert.strictEqual(
        yield* outcome(host.route.linkSet(500, { netns: c1.netns, name: "net1", mtu: 1400, alias: "x", up: true })),
        "EEXIST"
      )
      const link = yield* c1.route.linkGet("dev0")
      assert.deepInclude({ ...link }, { index: 500, mtu: 1400, up: false })
      assert.isUndefined(link.alias)
    }))

  it("to where it is already changes nothing", ({ host }) =>
    Effect.gen(function* () {
      yield* addTap(host, "dev0", { index: 500, up: true })
      yield* host.route.linkSet(500, { netns: host.netns, newIndex: 700 })
      assert.deepInclude({ ...(yield* host.route.linkGet("dev0")) }, { index: 500, up: true })
    }))

  it("leaves addresses, routes and sysctls behind", ({ host, c1, c2 }) =>
    Effect.gen(function* () {
      yield* addTap(host, "net1", { netns: c1.netns, index: 500, up: true })
      yield* c1.route.addressAdd(500, { family: 4, address: "10.9.0.2", prefix: 24 })
      yield* c1.route.linkSet(500, { netns: c2.netns })
      assert.deepStrictEqual(yield* c2.route.addressList(500), [])
      assert.deepStrictEqual(yield* c2.route.routeList(), [])
      assert.deepStrictEqual(yield* c1.route.routeList(), [])
    }))

  it("of a parent keeps its links, which then know it by its new place", ({ host, c1, c2 }) =>
    Effect.gen(function* () {
      yield* addTap(host, "net1", { netns: c1.netns, index: 500 })
      yield* host.route.linkSet(parent, { netns: c2.netns, newIndex: 900 })
      assert.strictEqual((yield* c1.route.linkGet("net1")).parent?.index, 900)
    }))

  it("ends with the namespace that ends", ({ host, world }) =>
    Effect.gen(function* () {
      const path = `${world.c2}x`
      yield* Effect.promise(() => world.scene.addNetns(path))
      yield* Effect.scoped(
        Effect.gen(function* () {
          const netns = yield* (yield* NetnsService).open(path)
          yield* addTap(host, "gone", { netns, mac: "02:00:00:00:00:07", up: true })
        })
      )
      yield* Effect.promise(() => world.scene.removeNetns(path))
      // Its MAC address is free again once it is gone.
      const again = outcome(addTap(host, "again", { mac: "02:00:00:00:00:07", up: true }))
      assert.isTrue(yield* eventually(Effect.map(again, (found) => found === "ok")))
    }))
}
