import { existsSync } from "node:fs"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { assert, describe, it } from "vitest"
import { macvlan } from "../../src/link/macvlan.ts"
import { macvtap } from "../../src/link/macvtap.ts"
import { makeNetlink, netlinkLive } from "../../src/live/netlink/NetlinkLive.ts"
import { netnsLive } from "../../src/live/netns/NetnsLive.ts"
import { makePoller } from "../../src/live/system/poller.ts"
import { here } from "../../src/live/whereabouts.ts"
import { LogService } from "../../src/services/LogService.ts"
import { NetlinkService } from "../../src/services/NetlinkService.ts"
import { NetnsService } from "../../src/services/NetnsService.ts"
import { ipAddresses, ipLink, ipLinks, ipRoutes } from "../lab/ip.ts"
import { hasMacvtap } from "../lab/machine.ts"
import { makeHost, makeNetns } from "../lab/netns.ts"

const logged: Array<string> = []
const logLayer = Layer.succeed(LogService, {
  log: (level, line) => Effect.sync(() => logged.push(`${level} ${line()}`))
})
const layer = Layer.mergeAll(netnsLive, netlinkLive, logLayer)

const run = <A, E>(program: Effect.Effect<A, E, NetlinkService | NetnsService | Scope.Scope>): Promise<A> =>
  Effect.runPromise(Effect.provide(Effect.scoped(program), layer))

/** Sockets of a process with other calls, whose deletions are over when the kernel tells of them. */
const shared = Effect.map(
  Effect.acquireRelease(
    Effect.sync(() => makePoller((reason) => assert.fail(String(reason)))),
    (poller) => Effect.sync(poller.close)
  ),
  ({ watch }) => makeNetlink({ ...here, resident: { watch } })
)

/** A handle on a namespace and a socket in it. */
const at = Effect.fnUntraced(function* (path: string) {
  const netns = yield* (yield* NetnsService).open(path)
  return { netns, rt: yield* (yield* NetlinkService).connect(netns) }
})

describe.skipIf(!hasMacvtap)("netlink on the kernel", () => {
  it("makes a macvtap in another namespace in one request, as ip sees it", async () => {
    await using host = await makeHost("live-nl")
    await using pod = await makeNetns("live-nl")
    logged.length = 0
    const link = await run(
      Effect.gen(function* () {
        const from = yield* at(host.path)
        const to = yield* at(pod.path)
        const parent = yield* from.rt.linkGet("eth0")
        yield* from.rt.linkAdd({
          kind: macvtap,
          name: "net1",
          parent: parent.index,
          index: 1234500001,
          netns: to.netns,
          mac: "02:03:04:05:06:07",
          mtu: 1400,
          up: true,
          allmulti: true,
          options: { mode: "bridge" }
        })
        yield* to.rt.linkSet(1234500001, { alias: "macvtap-cni:n/c/net1" })
        return yield* to.rt.linkGet("net1")
      })
    )
    const judged = await ipLink(pod.name, "net1")
    assert.strictEqual(judged?.ifindex, 1234500001)
    assert.strictEqual(judged?.address, "02:03:04:05:06:07")
    assert.strictEqual(judged?.mtu, 1400)
    assert.strictEqual(judged?.ifalias, "macvtap-cni:n/c/net1")
    assert.strictEqual(judged?.linkinfo?.info_kind, "macvtap")
    assert.include(judged?.flags ?? [], "UP")
    assert.include(judged?.flags ?? [], "ALLMULTI")
    assert.deepInclude(link, {
      index: 1234500001,
      name: "net1",
      mac: "02:03:04:05:06:07",
      mtu: 1400,
      kind: "macvtap",
      alias: "macvtap-cni:n/c/net1",
      up: true,
      allmulti: true,
      promisc: false
    })
    assert.strictEqual(link.options["mode"], "bridge")
    assert.isNumber(link.parent?.netnsid)
    assert.isTrue(logged.some((line) => line.startsWith("debug > ip link add net1 type macvtap")))
    assert.isTrue(logged.some((line) => line.startsWith("debug < ") && line.includes("acknowledged")))
  })

  it("moves, changes and deletes", async () => {
    await using host = await makeHost("live-nl")
    await using pod = await makeNetns("live-nl")
    await host.ip("link add link eth0 name mvt0 type macvtap mode bridge")
    await run(
      Effect.gen(function* () {
        const from = yield* at(host.path)
        const to = yield* at(pod.path)
        const { index } = yield* from.rt.linkGet("mvt0")
        yield* from.rt.linkSet(index, { netns: to.netns, newIndex: 1234500002, name: "net1", mtu: 1300, up: true })
        yield* to.rt.linkSet(1234500002, { promisc: true })
      })
    )
    assert.isUndefined(await ipLink(host.name, "mvt0"))
    const moved = await ipLink(pod.name, "net1")
    assert.strictEqual(moved?.ifindex, 1234500002)
    assert.strictEqual(moved?.mtu, 1300)
    assert.include(moved?.flags ?? [], "PROMISC")
    await run(Effect.flatMap(at(pod.path), ({ rt }) => rt.linkDel(1234500002)))
    assert.isUndefined(await ipLink(pod.name, "net1"))
  })

  it("gives the kernel's refusals with errno and its own words", async () => {
    await using host = await makeHost("live-nl")
    const failures = await run(
      Effect.gen(function* () {
        const { rt } = yield* at(host.path)
        const { index } = yield* rt.linkGet("eth0")
        return {
          get: yield* Effect.flip(rt.linkGet("nosuch")),
          set: yield* Effect.flip(rt.linkSet(99999, { up: true })),
          del: yield* Effect.flip(rt.linkDel(99999)),
          taken: yield* Effect.flip(rt.linkAdd({ kind: macvtap, name: "eth0", parent: index })),
          parent: yield* Effect.flip(rt.linkAdd({ kind: macvtap, name: "x", parent: 99999 })),
          mtu: yield* Effect.flip(rt.linkAdd({ kind: macvtap, name: "x", parent: index, mtu: 70000 })),
          address: yield* Effect.flip(rt.addressAdd(99999, { family: 4, address: "10.0.0.1", prefix: 24 }))
        }
      })
    )
    assert.deepInclude(failures.get, { _tag: "LinkNotFound", link: "nosuch" })
    assert.deepInclude(failures.set, { _tag: "LinkNotFound", link: 99999 })
    assert.deepInclude(failures.del, { _tag: "LinkNotFound", link: 99999 })
    assert.deepInclude(failures.taken, {
      _tag: "NetlinkError",
      operation: "ip link add eth0 type macvtap",
      errno: "EEXIST"
    })
    assert.deepInclude(failures.parent, { errno: "ENODEV" })
    assert.deepInclude(failures.mtu, { errno: "EINVAL", extack: "mtu greater than device maximum" })
    assert.deepInclude(failures.address, { _tag: "NetlinkError", errno: "ENODEV" })
  })

  it("adds and lists addresses and routes of both families", async () => {
    await using host = await makeHost("live-nl")
    const seen = await run(
      Effect.gen(function* () {
        const { rt } = yield* at(host.path)
        const { index } = yield* rt.linkGet("eth0")
        yield* rt.addressAdd(index, { family: 4, address: "10.9.0.5", prefix: 24 })
        yield* rt.addressAdd(index, { family: 6, address: "fd00:9::5", prefix: 64 })
        yield* rt.routeAdd({
          family: 4,
          dst: "10.77.0.0",
          prefix: 16,
          gw: "10.9.0.1",
          dev: index,
          mtu: 1300,
          priority: 5
        })
        yield* rt.routeAdd({ family: 4, dst: "0.0.0.0", prefix: 0, gw: "10.9.0.1", dev: index, table: 1000 })
        yield* rt.routeAdd({ family: 6, dst: "fd77::", prefix: 48, gw: "fd00:9::1", dev: index })
        return { index, addresses: yield* rt.addressList(index), routes: yield* rt.routeList({ dev: index }) }
      })
    )
    const judged = await ipAddresses(host.name, "eth0")
    assert.deepInclude(
      judged.find(({ family }) => family === "inet"),
      { local: "10.9.0.5", prefixlen: 24, broadcast: "10.9.0.255" }
    )
    assert.sameDeepMembers(
      seen.addresses.map(({ address, family, prefix }) => ({ address, family, prefix })),
      judged.map(({ family, local, prefixlen }) => ({
        address: local,
        family: family === "inet" ? 4 : 6,
        prefix: prefixlen
      }))
    )
    const four = await ipRoutes(host.name, 4)
    assert.isTrue(
      four.some((route) => route.dst === "10.77.0.0/16" && route.gateway === "10.9.0.1" && route.metric === 5)
    )
    assert.isTrue(four.some((route) => route.dst === "default" && route.table === "1000"))
    assert.isTrue(
      (await ipRoutes(host.name, 6)).some((route) => route.dst === "fd77::/48" && route.gateway === "fd00:9::1")
    )
    const has = (expected: object): boolean =>
      seen.routes.some((route) => Object.entries(expected).every(([key, value]) => route[key as "dst"] === value))
    assert.isTrue(has({ family: 4, dst: "10.77.0.0", prefix: 16, gw: "10.9.0.1", mtu: 1300, priority: 5, table: 254 }))
    assert.isTrue(has({ family: 4, dst: "0.0.0.0", prefix: 0, table: 1000 }))
    assert.isTrue(has({ family: 6, dst: "fd77::", prefix: 48, gw: "fd00:9::1" }))
  })

  it("lists many links over several datagrams, all of them once", async () => {
    await using host = await makeHost("live-nl")
    for (let i = 0; i < 150; i++) await host.ip(`link add link eth0 name mv${i} type macvtap mode bridge`)
    const links = await run(Effect.flatMap(at(host.path), ({ rt }) => rt.linkList))
    const judged = await ipLinks(host.name)
    assert.isAbove(judged.length, 150)
    assert.deepStrictEqual(
      links.map(({ index, mac, mtu, name }) => ({ index, name, mac, mtu })),
      judged.map(({ address, ifindex, ifname, mtu }) => ({ index: ifindex, name: ifname, mac: address, mtu }))
    )
  })

  it("knows which kinds there are, and leaves nothing behind from asking", async () => {
    await using pod = await makeNetns("live-nl")
    const before = await ipLinks(pod.name)
    const exists = await run(
      Effect.gen(function* () {
        const { rt } = yield* at(pod.path)
        return [
          yield* rt.kindExists(macvtap),
          yield* rt.kindExists(macvlan),
          yield* rt.kindExists({ ...macvtap, kind: "nosuchkind" })
        ]
      })
    )
    assert.deepStrictEqual(exists, [true, true, false])
    assert.deepStrictEqual(await ipLinks(pod.name), before)
  })

  it("deletes a link whose name, index and tap node are free when that is told, as ip sees it", async () => {
    await using host = await makeHost("live-nl")
    const index = 1_234_500_900
    await run(
      Effect.gen(function* () {
        const netns = yield* (yield* NetnsService).open(host.path)
        const rt = yield* (yield* shared).connect(netns)
        const parent = (yield* rt.linkGet("eth0")).index
        // In mode passthru the parent, too, has to be free again.
        const spec = { kind: macvtap, name: "net1", parent, index, up: true, options: { mode: "passthru" } }
        for (let turn = 0; turn < 20; turn++) {
          yield* rt.linkAdd(spec)
          assert.isTrue(existsSync(`/dev/tap${index}`))
          yield* rt.linkDel(index)
          assert.isFalse(existsSync(`/dev/tap${index}`))
          if (turn % 2 === 0) continue
          const left = yield* Effect.promise(() => ipLinks(host.name))
          assert.deepStrictEqual(left.map(({ ifname }) => ifname).sort(), ["eth0", "lo", "wire0"])
        }
        assert.deepInclude(yield* Effect.flip(rt.linkDel(index)), { _tag: "LinkNotFound" })
      })
    )
  })
})
