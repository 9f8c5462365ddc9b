import { lstatSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { afterEach, assert, describe, it } from "vitest"
import { tapLive } from "../../src/live/device/TapLive.ts"
import { netnsLive } from "../../src/live/netns/NetnsLive.ts"
import { NetnsService } from "../../src/services/NetnsService.ts"
import { TapService } from "../../src/services/TapService.ts"
import { makeFolder } from "../lab/folder.ts"
import { type IpLink, ipLink } from "../lab/ip.ts"
import { hasMacvtap } from "../lab/machine.ts"
import { makeHost, makeNetns, type TestHost } from "../lab/netns.ts"
import { must } from "../lab/run.ts"
import { linkDevice, nodeStatus } from "../lab/tap.ts"

const run = <A, E>(program: Effect.Effect<A, E, TapService | NetnsService | Scope.Scope>): Promise<A> =>
  Effect.runPromise(Effect.provide(Effect.scoped(program), Layer.merge(tapLive, netnsLive)))

/**
 * An ifindex whose node nobody else has, nor an earlier test of these: the kernel removes a link that ends with its
 * namespace when it finds the time, and a node by its name.
 */
let freeIndex = 1_987_650_000 + (process.pid % 1000) * 200
const nodePath = (offset: number): string => `/dev/tap${freeIndex + offset}`

const addTap = async (host: TestHost, name: string, index: number): Promise<IpLink> => {
  await host.ip(`link add link eth0 name ${name} index ${index} type macvtap mode bridge`)
  const link = await ipLink(host.name, name)
  return link ?? assert.fail(`no ${name}`)
}

const device = (host: TestHost, link: { readonly name: string; readonly index: number }) =>
  Effect.gen(function* () {
    return yield* (yield* TapService).deviceNumber(yield* (yield* NetnsService).open(host.path), link)
  })

describe.skipIf(!hasMacvtap)("tap nodes", () => {
  afterEach(() => {
    for (let offset = 0; offset < 10; offset++) {
      const path = nodePath(offset)
      if (lstatSync(path, { throwIfNoEntry: false })?.isCharacterDevice() === false) rmSync(path)
    }
    freeIndex += 10
  })

  it("are looked at without being opened", async () => {
    await using host = await makeHost("live-tap")
    const link = await addTap(host, "net1", freeIndex)
    const [node, none] = await run(TapService.use(({ node }) => Effect.all([node(freeIndex), node(freeIndex + 1)])))
    const judged = await nodeStatus(nodePath(0))
    assert.deepStrictEqual(node, {
      path: nodePath(0),
      device: await linkDevice(host.name, link),
      owner: 0,
      group: 0,
      mode: judged?.mode ?? -1
    })
    assert.isUndefined(none)
  })

  it("report the link's MAC address", async () => {
    await using host = await makeHost("live-tap")
    const link = await addTap(host, "net1", freeIndex)
    const mac = await run(
      Effect.gen(function* () {
        const { node, reportedMac } = yield* TapService
        return yield* reportedMac((yield* node(freeIndex)) ?? assert.fail("no node"))
      })
    )
    assert.strictEqual(mac, link.address)
  })

  it("are given away", async () => {
    await using host = await makeHost("live-tap")
    await addTap(host, "net1", freeIndex)
    await run(
      Effect.gen(function* () {
        const { give, node } = yield* TapService
        yield* give((yield* node(freeIndex)) ?? assert.fail("no node"), { owner: 107, group: 108, mode: 0o660 })
      })
    )
    assert.deepInclude(await nodeStatus(nodePath(0)), { uid: 107, gid: 108, mode: 0o660 })
  })

  it("whose name something else has are no taps, and stay as they are", async () => {
    writeFileSync(nodePath(1), "", { mode: 0o600 })
    // Not /dev/null itself: a fault that follows the link would give the machine's away.
    await using folder = await makeFolder("live-tap")
    const stranger = `${folder.path}/null`
    await must("mknod", ["-m", "666", stranger, "c", "1", "3"])
    symlinkSync(stranger, nodePath(2))
    for (const index of [freeIndex + 1, freeIndex + 2]) {
      const outcome = await run(
        Effect.gen(function* () {
          const tap = yield* TapService
          const node = (yield* tap.node(index)) ?? assert.fail("no node")
          const to = { owner: 107, group: 107, mode: 0o666 }
          return {
            device: node.device,
            give: yield* Effect.flip(tap.give(node, to)),
            pretended: yield* Effect.flip(tap.give({ ...node, device: "1:3" }, to)),
            mac: yield* Effect.flip(tap.reportedMac(node))
          }
        })
      )
      assert.strictEqual(outcome.device, "none")
      for (const failure of [outcome.give, outcome.pretended, outcome.mac]) {
        assert.deepInclude(failure, { _tag: "TapError", errno: "ENODEV" })
      }
    }
    assert.deepInclude(await nodeStatus(nodePath(1)), { uid: 0, gid: 0, mode: 0o600 })
    assert.deepInclude(await nodeStatus(stranger), { uid: 0, gid: 0, mode: 0o666 })
  })

  it("that were exchanged after the look are not given away", async () => {
    await using host = await makeHost("live-tap")
    await addTap(host, "net1", freeIndex)
    const failure = await run(
      Effect.gen(function* () {
        const { give, node } = yield* TapService
        const seen = (yield* node(freeIndex)) ?? assert.fail("no node")
        yield* Effect.promise(async () => {
          // A second link keeps the next minor; the first one's node is then made anew for it.
          await addTap(host, "net2", freeIndex + 3)
          await host.ip("link del net1")
          const other = (await nodeStatus(nodePath(3)))?.device.split(":") ?? []
          await must("mknod", ["-m", "600", nodePath(0), "c", ...other])
        })
        return yield* Effect.flip(give(seen, { owner: 107, group: 107, mode: 0o660 }))
      })
    ).finally(() => rmSync(nodePath(0), { force: true }))
    assert.deepInclude(failure, { _tag: "TapError", operation: "chown 107:107", path: nodePath(0), errno: "ESTALE" })
  })
})

describe.skipIf(!hasMacvtap)("the device number of a link", () => {
  it("is the link's own where two namespaces share the node's name", async () => {
    await using one = await makeHost("live-tap")
    await using two = await makeHost("live-tap")
    const first = await addTap(one, "net1", freeIndex)
    const second = await addTap(two, "net1", freeIndex)
    const link = { name: "net1", index: freeIndex }
    const seen = await run(
      Effect.gen(function* () {
        const { node } = yield* TapService
        return { one: yield* device(one, link), two: yield* device(two, link), node: yield* node(freeIndex) }
      })
    )
    assert.strictEqual(seen.one, await linkDevice(one.name, first))
    assert.strictEqual(seen.two, await linkDevice(two.name, second))
    assert.notStrictEqual(seen.one, seen.two)
    assert.strictEqual(seen.node?.device, seen.one)
  })

  it("is read again and again, leaving neither descriptors nor mounts", async () => {
    await using host = await makeHost("live-tap")
    await using pod = await makeNetns("live-tap")
    const link = await addTap(host, "net1", freeIndex)
    const state = (): object => ({
      descriptors: readdirSync("/proc/self/fd").length,
      // Namespaces come and go with other tests and programs of the machine; what is read here is mounted as sysfs.
      mounts: readFileSync("/proc/self/mounts", "utf8")
        .split("\n")
        .filter((line) => line.startsWith("sysfs "))
    })
    await run(device(host, { name: "net1", index: freeIndex }))
    const before = state()
    await run(
      Effect.gen(function* () {
        for (let i = 0; i < 50; i++) {
          assert.strictEqual(
            yield* device(host, { name: "net1", index: freeIndex }),
            yield* Effect.promise(() => linkDevice(host.name, link))
          )
        }
        const elsewhere = yield* Effect.flip(device({ ...host, path: pod.path }, { name: "net1", index: freeIndex }))
        assert.deepInclude(elsewhere, { _tag: "TapError", errno: "ENOENT" })
      })
    )
    assert.deepStrictEqual(state(), before)
  })

  it("is not there for what is no tap, nor for a name that would lead elsewhere", async () => {
    await using host = await makeHost("live-tap")
    assert.deepInclude(await run(Effect.flip(device(host, { name: "eth0", index: 2 }))), { errno: "ENOENT" })
    for (const name of ["..", ".", "", "a/b"]) {
      assert.deepInclude(await run(Effect.flip(device(host, { name, index: 2 }))), { errno: "EINVAL" })
    }
  })
})
