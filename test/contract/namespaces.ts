import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import { macvtap } from "../../src/link/macvtap.ts"
import { veth } from "../../src/link/veth.ts"
import { NetlinkService } from "../../src/services/NetlinkService.ts"
import { NetnsService } from "../../src/services/NetnsService.ts"
import { TapService } from "../../src/services/TapService.ts"
import { addTap, enter, eventually, type InWorld, namesIn, type Place } from "./inWorld.ts"

export const namespaces = (it: InWorld): void => {
  it("are the same by identity, not by path", ({ world, host, c1 }) =>
    Effect.gen(function* () {
      const { open, current } = yield* NetnsService
      const again = yield* open(world.c1.replace("/run/", "/var/run/"))
      assert.strictEqual(again.id, c1.netns.id)
      assert.strictEqual(again.path, world.c1.replace("/run/", "/var/run/"))
      const ids = [host.netns.id, c1.netns.id, (yield* current).id]
      assert.lengthOf([...new Set(ids)], 3)
    }))

  it("that are not there are NetnsNotFound", ({ world }) =>
    Effect.gen(function* () {
      const { open } = yield* NetnsService
      const error = yield* Effect.flip(open(`${world.c1}-nope`))
      assert.deepInclude({ ...error }, { _tag: "NetnsNotFound", path: `${world.c1}-nope` })
    }))

  it("are listed, each by one path", ({ world }) =>
    Effect.gen(function* () {
      const list = yield* (yield* NetnsService).list
      assert.includeMembers([...list], [world.host, world.c1, world.c2])
      assert.lengthOf([...new Set(list)], list.length)
    }))

  it("live on while they are held, and are found no more", ({ world }) =>
    Effect.gen(function* () {
      const path = `${world.c2}x`
      yield* Effect.promise(() => world.scene.addNetns(path))
      const { route } = yield* enter(path)
      yield* Effect.promise(() => world.scene.removeNetns(path))
      assert.strictEqual((yield* route.linkGet("lo")).index, 1)
      const error = yield* Effect.flip((yield* NetnsService).open(path))
      assert.strictEqual(error._tag, "NetnsNotFound")
    }))

  it("have sysctls for each link, which follow its name", ({ host, c1 }) =>
    Effect.gen(function* () {
      const { sysctlGet, sysctlSet } = yield* NetnsService
      yield* addTap(host, "net1", { netns: c1.netns, index: 500 })
      const [get, set] = [
        (key: string) => sysctlGet(c1.netns, key),
        (key: string, value: string) => sysctlSet(c1.netns, key, value)
      ]
      for (const [key, value] of [
        ["net/ipv4/conf/net1/arp_notify", "1"],
        ["net/ipv6/conf/net1/ndisc_notify", "1"],
        ["net/ipv6/conf/net1/keep_addr_on_down", "1"],
        ["net/ipv6/conf/net1/disable_ipv6", "1"]
      ] as const) {
        assert.strictEqual(yield* get(key), "0", key)
        yield* set(key, value)
        assert.strictEqual(yield* get(key), value, key)
      }
      yield* c1.route.linkSet(500, { name: "net2" })
      assert.strictEqual(yield* get("net/ipv4/conf/net2/arp_notify"), "1")
      assert.strictEqual((yield* Effect.flip(get("net/ipv4/conf/net1/arp_notify"))).errno, "ENOENT")
      assert.strictEqual((yield* Effect.flip(set("net/ipv4/conf/nope/arp_notify", "1"))).errno, "ENOENT")
      assert.strictEqual((yield* Effect.flip(set("net/ipv4/conf/net2/arp_notify", "yes"))).errno, "EINVAL")
    }))

  it("switch IPv6 off for all links, and for those to come", ({ host, c1 }) =>
    Effect.gen(function* () {
      const { sysctlGet, sysctlSet } = yield* NetnsService
      yield* addTap(host, "old", { netns: c1.netns })
      yield* sysctlSet(c1.netns, "net/ipv6/conf/all/disable_ipv6", "1")
      yield* addTap(host, "new", { netns: c1.netns })
      for (const name of ["old", "lo", "default", "new"]) {
        assert.strictEqual(yield* sysctlGet(c1.netns, `net/ipv6/conf/${name}/disable_ipv6`), "1", name)
      }
    }))

  it("keep what a default was when IPv6 came to know the link", ({ host, c1 }) =>
    Effect.gen(function* () {
      const { sysctlGet, sysctlSet } = yield* NetnsService
      yield* addTap(host, "old", { netns: c1.netns })
      yield* sysctlSet(c1.netns, "net/ipv6/conf/default/disable_ipv6", "1")
      yield* sysctlSet(c1.netns, "net/ipv4/conf/default/arp_notify", "1")
      yield* addTap(host, "new", { netns: c1.netns })
      yield* sysctlSet(c1.netns, "net/ipv6/conf/default/disable_ipv6", "0")
      const [get, ipv6] = [(key: string) => sysctlGet(c1.netns, key), "net/ipv6/conf"]
      assert.strictEqual(yield* get(`${ipv6}/old/disable_ipv6`), "0")
      assert.strictEqual(yield* get(`${ipv6}/new/disable_ipv6`), "1")
      assert.strictEqual(yield* get("net/ipv4/conf/old/arp_notify"), "1")
      assert.strictEqual(yield* get("net/ipv4/conf/new/arp_notify"), "1")
    }))

  it("can be new ones that nobody finds, in which numbers of taps are the host's, and which end with their scope", ({
    world,
    host,
    c1
  }) =>
    Effect.gen(function* () {
      const { fresh, list, open } = yield* NetnsService
      const { deviceNumber } = yield* TapService
      const numberOf = (place: Place, name: string) =>
        Effect.flatMap(place.route.linkGet(name), (link) => deviceNumber(place.netns, link))
      const held = yield* Effect.scoped(
        Effect.gen(function* () {
          const netns = yield* fresh
          const route = yield* (yield* NetlinkService).connect(netns)
          assert.notStrictEqual(netns.id, host.netns.id)
          // Others on this machine come and go meanwhile; none of those that are found is this one.
          for (const path of yield* list) {
            const found = yield* Effect.option(Effect.scoped(open(path)))
            if (Option.isSome(found)) assert.notStrictEqual(found.value.id, netns.id)
          }
          assert.deepStrictEqual(yield* namesIn({ netns, route }), ["lo"])
          yield* route.linkAdd({ kind: veth, name: "v" })
          const parent = (yield* route.linkGet("v")).index
          yield* route.linkAdd({ kind: macvtap, name: "held0", parent })
          const held = yield* numberOf({ netns, route }, "held0")
          yield* addTap(host, "net1", { netns: c1.netns })
          assert.notStrictEqual(yield* numberOf(c1, "net1"), held)
          assert.strictEqual(yield* Effect.promise(() => world.scene.linkOf(held)), "held0")
          return held
        })
      )
      // It ends in the background. Whoever else makes a tap on this machine may get the number.
      const isGone = Effect.map(
        Effect.promise(() => world.scene.linkOf(held)),
        (name) => name !== "held0"
      )
      assert.isTrue(yield* eventually(isGone))
    }))

  it("know each other by numbers, which tell where a link's parent is", ({ host, c1, c2 }) =>
    Effect.gen(function* () {
      assert.isUndefined(yield* c1.route.netnsid(host.netns))
      yield* addTap(host, "net1", { netns: c1.netns })
      const { parent } = yield* c1.route.linkGet("net1")
      assert.isNumber(parent?.netnsid)
      assert.strictEqual(yield* c1.route.netnsid(host.netns), parent?.netnsid)
      assert.isUndefined(yield* c1.route.netnsid(c2.netns))
    }))

  it("tell of what happens to their links, and of those on them wherever they are", ({ host, c1 }) =>
    Effect.gen(function* () {
      const next = yield* (yield* NetlinkService).changes(host.netns)
      const waiting = yield* Effect.forkChild(next)
      yield* addTap(host, "net1", { netns: c1.netns })
      yield* Fiber.join(waiting)
      const later = yield* (yield* NetlinkService).changes(host.netns)
      const index = (yield* c1.route.linkGet("net1")).index
      const gone = yield* Effect.forkChild(later)
      yield* c1.route.linkDel(index)
      yield* Fiber.join(gone).pipe(Effect.timeout(5000))
    }))
}
