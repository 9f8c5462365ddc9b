import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { macvlan } from "../../src/link/macvlan.ts"
import { TapService } from "../../src/services/TapService.ts"
import { addTap, eventually, type InWorld, type Place } from "./inWorld.ts"
import { parent } from "./World.ts"

/** High, and of this process, so that no other tap of a machine under test has it: /dev is one for all. */
const index = 1_900_000_000 + (process.pid % 1_000_000) * 10

const numberOf = Effect.fnUntraced(function* (place: Place, name: string) {
  const link = yield* place.route.linkGet(name)
  return yield* (yield* TapService).deviceNumber(place.netns, link)
})

export const taps = (it: InWorld): void => {
  it("a macvtap has a node of its own number, root's alone; a macvlan has none", ({ host, c1 }) =>
    Effect.gen(function* () {
      const { node } = yield* TapService
      assert.isUndefined(yield* node(index))
      yield* host.route.linkAdd({ kind: macvlan, name: "no", parent, index })
      assert.isUndefined(yield* node(index))
      yield* addTap(host, "net1", { netns: c1.netns, index })
      const device = yield* numberOf(c1, "net1")
      assert.match(device, /^\d+:\d+$/)
      assert.deepStrictEqual(yield* node(index), {
        path: `/dev/tap${index}`,
        device,
        owner: 0,
        group: 0,
        mode: 0o600
      })
      yield* c1.route.linkDel(index)
      assert.isUndefined(yield* node(index))
    }))

  it("the second link of an ifindex gets no node, and keeps the first one's where it is", ({ host, c1, c2 }) =>
    Effect.gen(function* () {
      const { node } = yield* TapService
      yield* addTap(host, "net1", { netns: c1.netns, index })
      yield* addTap(host, "net1", { netns: c2.netns, index })
      const [first, second] = [yield* numberOf(c1, "net1"), yield* numberOf(c2, "net1")]
      assert.notStrictEqual(first, second)
      assert.strictEqual((yield* node(index))?.device, first)
      yield* c2.route.linkDel(index)
      assert.strictEqual((yield* node(index))?.device, first)
      yield* addTap(host, "net1", { netns: c2.netns, index })
      yield* c1.route.linkDel(index)
      assert.isUndefined(yield* node(index))
    }))

  it("numbers are used again, lowest free first", ({ host }) =>
    Effect.gen(function* () {
      // Whoever else makes a tap on this machine at this moment may get the free number: then once more.
      const once = Effect.gen(function* () {
        yield* addTap(host, "a", { index })
        const first = yield* numberOf(host, "a")
        yield* addTap(host, "b", { index: index + 1 })
        yield* host.route.linkDel(index)
        yield* addTap(host, "c", { index: index + 2 })
        const again = yield* numberOf(host, "c")
        for (const made of [index + 1, index + 2]) yield* host.route.linkDel(made)
        return first === again
      })
      assert.isTrue(yield* eventually(once, 10))
    }))

  it("a node given away keeps its owner through renaming and going up, but not through a move", ({ host, c1 }) =>
    Effect.gen(function* () {
      const { node, give } = yield* TapService
      yield* addTap(host, "a", { index })
      const made = yield* node(index)
      if (made === undefined) return assert.fail("no node")
      yield* give(made, { owner: 107, group: 108, mode: 0o660 })
      yield* host.route.linkSet(index, { name: "b", up: true })
      assert.deepInclude({ ...(yield* node(index)) }, { owner: 107, group: 108, mode: 0o660 })
      yield* host.route.linkSet(index, { netns: c1.netns })
      assert.deepInclude({ ...(yield* node(index)) }, { owner: 0, group: 0, mode: 0o600 })
      assert.strictEqual((yield* node(index))?.device, yield* numberOf(c1, "b"))
    }))

  it("a node reports the MAC of the link behind it", ({ host, c1 }) =>
    Effect.gen(function* () {
      const { node, reportedMac } = yield* TapService
      yield* addTap(host, "net1", { netns: c1.netns, index, mac: "02:00:00:00:00:33" })
      const made = yield* node(index)
      assert.strictEqual(made && (yield* reportedMac(made)), "02:00:00:00:00:33")
    }))

  it("a link that is no tap, or is not there, has no number", ({ host }) =>
    Effect.gen(function* () {
      const { deviceNumber } = yield* TapService
      for (const link of [
        { name: "eth0", index: 3 },
        { name: "nope", index: 99 }
      ]) {
        assert.strictEqual((yield* Effect.flip(deviceNumber(host.netns, link))).errno, "ENOENT")
      }
    }))
}
