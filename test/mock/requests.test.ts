import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import { describe } from "vitest"
import { macvtap } from "../../src/link/macvtap.ts"
import { type Kernel, makeKernel } from "../../src/mock/Kernel.ts"
import { mockLayer } from "../../src/mock/layer.ts"
import { NetlinkService } from "../../src/services/NetlinkService.ts"
import { NetnsService } from "../../src/services/NetnsService.ts"

const scene = (): Kernel => {
  const kernel = makeKernel()
  kernel.addLink({ name: "eth0", index: 3 })
  kernel.addNetns("/run/netns/c1")
  return kernel
}

/** Five requests: open, connect, linkAdd, linkGet, linkDel; the link is taken back by its scope. */
const program = Effect.scoped(
  Effect.gen(function* () {
    const netns = yield* (yield* NetnsService).current
    const route = yield* (yield* NetlinkService).connect(netns)
    yield* Effect.acquireRelease(route.linkAdd({ kind: macvtap, name: "t0", parent: 3, index: 77 }), () =>
      Effect.ignore(route.linkDel(77))
    )
    return yield* route.linkGet("t0")
  })
)

const inItsOwnFiber = (kernel: Kernel) =>
  Effect.provide(program, mockLayer(kernel)).pipe(Effect.forkChild, Effect.flatMap(Fiber.await))

const run = (kernel: Kernel) => Effect.exit(Effect.provide(program, mockLayer(kernel)))

describe("requests of the in-memory kernel", () => {
  it.effect("are counted and named", () =>
    Effect.gen(function* () {
      const kernel = scene()
      const seen: Array<string> = []
      kernel.onRequest((n, operation) => seen.push(`${n} ${operation}`))
      yield* run(kernel)
      assert.deepStrictEqual(seen, [
        "1 netns current",
        "2 netlink connect",
        "3 netlink linkAdd",
        "4 netlink linkGet",
        "5 netlink linkDel"
      ])
    })
  )

  it.effect("fail at the n-th with the errno asked for, and have no effect then", () =>
    Effect.gen(function* () {
      for (const n of [1, 2, 3, 4]) {
        const kernel = scene()
        const before = kernel.snapshot()
        kernel.failRequest(n, "ENOMEM")
        const exit = yield* run(kernel)
        assert.isTrue(Exit.isFailure(exit), `request ${n}`)
        assert.deepStrictEqual(kernel.snapshot(), before, `request ${n}`)
      }
    })
  )

  it.effect("that fail name the service's error and the errno", () =>
    Effect.gen(function* () {
      const kernel = scene()
      kernel.failRequest(3, "ENOMEM")
      const error = yield* Effect.flip(Effect.provide(program, mockLayer(kernel)))
      assert.strictEqual(error._tag, "NetlinkError")
      assert.propertyVal(error, "errno", "ENOMEM")
    })
  )

  for (const moment of ["before", "after"] as const) {
    it.effect(`interrupt the caller at the n-th, ${moment} its effect`, () =>
      Effect.gen(function* () {
        for (const n of [1, 2, 3, 4]) {
          const kernel = scene()
          const before = kernel.snapshot()
          kernel.interruptRequest(n, moment)
          const exit = yield* inItsOwnFiber(kernel)
          assert.isTrue(Exit.hasInterrupts(exit), `request ${n}`)
          assert.deepStrictEqual(kernel.snapshot(), before, `request ${n}`)
        }
      })
    )
  }

  it.effect("an interruption in an uninterruptible region waits for its end", () =>
    Effect.gen(function* () {
      const kernel = scene()
      kernel.interruptRequest(3)
      yield* inItsOwnFiber(kernel)
      assert.includeMembers([...kernel.requests.log], ["netlink linkAdd", "netlink linkDel"])
      assert.notInclude(kernel.requests.log, "netlink linkGet")
    })
  )
})
