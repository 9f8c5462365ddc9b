import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { describe } from "vitest"
import { macvtap } from "../../src/link/macvtap.ts"
import { type Kernel, makeKernel } from "../../src/mock/Kernel.ts"
import { mockLayer } from "../../src/mock/layer.ts"
import { NetlinkService } from "../../src/services/NetlinkService.ts"
import { NetnsService } from "../../src/services/NetnsService.ts"
import { TapService } from "../../src/services/TapService.ts"

const scene = (options?: Parameters<typeof makeKernel>[0]): Kernel => {
  const kernel = makeKernel(options)
  kernel.addLink({ name: "eth0", index: 3 })
  kernel.addNetns("/run/netns/c1")
  return kernel
}

const tap = (kernel: Kernel, index: number) => {
  kernel.inside().linkAdd({ kind: macvtap, name: `t${index}`, parent: 3, index })
}

describe("the in-memory kernel", () => {
  it("forgets what was made and removed", () => {
    const kernel = scene()
    const before = kernel.snapshot()
    tap(kernel, 77)
    assert.notDeepEqual(kernel.snapshot(), before)
    kernel.inside().linkDel("t77")
    assert.deepStrictEqual(kernel.snapshot(), before)
  })

  it("shows in its snapshot whose a node is, and its number", () => {
    const kernel = scene()
    tap(kernel, 77)
    assert.deepStrictEqual(kernel.snapshot().nodes, {
      "/dev/tap77": { device: "246:1", owner: 0, group: 0, mode: 0o600 }
    })
  })

  it.effect("shows in its snapshot what is open", () =>
    Effect.gen(function* () {
      const kernel = scene()
      const open = () => kernel.snapshot().openHandles
      yield* Effect.scoped(
        Effect.gen(function* () {
          const netns = yield* (yield* NetnsService).open("/run/netns/c1")
          yield* (yield* NetlinkService).connect(netns)
          assert.deepStrictEqual(open(), { namespaces: 1, sockets: 1 })
        })
      ).pipe(Effect.provide(mockLayer(kernel)))
      assert.deepStrictEqual(open(), { namespaces: 0, sockets: 0 })
    })
  )

  it.effect("keeps a removed namespace for as long as something holds it", () =>
    Effect.gen(function* () {
      const kernel = scene()
      const count = () => Object.keys(kernel.snapshot().namespaces).length
      yield* Effect.scoped(
        Effect.gen(function* () {
          const netns = yield* (yield* NetnsService).open("/run/netns/c1")
          const route = yield* (yield* NetlinkService).connect(netns)
          kernel.removeNetns("/run/netns/c1")
          assert.strictEqual((yield* route.linkGet("lo")).index, 1)
          assert.strictEqual(count(), 2)
        })
      ).pipe(Effect.provide(mockLayer(kernel)))
      assert.strictEqual(count(), 1)
    })
  )

  it.effect("has no nodes where /dev is no devtmpfs, but numbers all the same", () =>
    Effect.gen(function* () {
      const kernel = scene({ devtmpfs: false })
      tap(kernel, 77)
      yield* Effect.scoped(
        Effect.gen(function* () {
          const taps = yield* TapService
          const netns = yield* (yield* NetnsService).current
          assert.isUndefined(yield* taps.node(77))
          assert.strictEqual(yield* taps.deviceNumber(netns, { name: "t77", index: 77 }), "246:1")
        })
      ).pipe(Effect.provide(mockLayer(kernel)))
    })
  )

  it.effect("refuses to tell numbers where no sysfs can be mounted; the node then reports its link's MAC", () =>
    Effect.gen(function* () {
      const kernel = scene({ sysfs: false })
      tap(kernel, 77)
      yield* Effect.scoped(
        Effect.gen(function* () {
          const taps = yield* TapService
          const netns = yield* (yield* NetnsService).current
          const error = yield* Effect.flip(taps.deviceNumber(netns, { name: "t77", index: 77 }))
          assert.strictEqual(error.errno, "EPERM")
          const node = yield* taps.node(77)
          assert.strictEqual(node && (yield* taps.reportedMac(node)), kernel.inside().link("t77").mac)
        })
      ).pipe(Effect.provide(mockLayer(kernel)))
    })
  )

  it("finds an address that somebody else has, after as many looks as it was told", () => {
    const kernel = scene({ tentativeReads: 1, duplicates: ["fd00::9"] })
    const host = kernel.inside()
    host.addressAdd("eth0", { family: 6, address: "fd00::9", prefix: 64 })
    const look = () => host.addresses("eth0").find(({ address }) => address === "fd00::9")
    assert.deepStrictEqual(look(), { family: 6, address: "fd00::9", prefix: 64, tentative: true })
    assert.deepStrictEqual(look(), { family: 6, address: "fd00::9", prefix: 64, tentative: true, dadFailed: true })
  })
})
