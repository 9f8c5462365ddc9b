/** Host access on the kernel in memory: every request goes wrong in every way, and many pods come and go in every order. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { makeRequests } from "../../src/mock/faults/requests.ts"
import type { Kernel } from "../../src/mock/Kernel.ts"
import { assertSame } from "../lab/call/assertSame.ts"
import { callOn } from "../lab/call/onMock.ts"
import { invocation, makeNode } from "../lab/call/plain.ts"
import { assertError } from "../lab/call/wellFormed.ts"
import { interleavedLayer, turnsOf } from "../plugin/any/interleaved.ts"
import { lost, refusals, ways } from "../plugin/any/ways.ts"

const conf = { hostAccess: true, ipam: { type: "host-local", subnet: "10.1.0.0/24" } }

const add = (kernel: Kernel, pod: string) => callOn(kernel, invocation("ADD", { pod, conf }))

const ownRoutes = (kernel: Kernel) =>
  kernel
    .inside()
    .routes()
    .filter(({ protocol }) => protocol === 109)

describe("whatever goes wrong", () => {
  it.effect.each([1, 2])("with %s pods on the node, an ADD that failed has changed nothing", (pods) =>
    Effect.gen(function* () {
      const start = Effect.gen(function* () {
        const kernel = makeNode(2)
        if (pods === 2) assert.strictEqual((yield* add(kernel, "c2")).status, 0)
        Object.assign(kernel.requests, makeRequests())
        return kernel
      })
      const counting = yield* start
      assert.strictEqual((yield* add(counting, "c1")).status, 0)
      const total = counting.requests.count
      let failed = 0
      for (let n = 1; n <= total; n++) {
        for (const fault of [...ways, ...refusals, lost]) {
          const kernel = yield* start
          const before = kernel.snapshot()
          kernel.requests.faults.set(n, fault)
          const { status, stdout } = yield* add(kernel, "c1")
          if (status === 0) continue
          failed++
          assertError(stdout)
          assertSame(kernel.snapshot(), before)
        }
      }
      assert.isAbove(failed, total * 3)
    })
  )

  it.effect("a DEL takes what it can, and the next one the rest", () =>
    Effect.gen(function* () {
      const kernel = makeNode(1)
      const before = kernel.snapshot()
      assert.strictEqual((yield* add(kernel, "c1")).status, 0)
      Object.assign(kernel.requests, makeRequests())
      yield* callOn(kernel, invocation("DEL", { conf }))
      const total = kernel.requests.count
      for (let n = 1; n <= total; n++) {
        assert.strictEqual((yield* add(kernel, "c1")).status, 0)
        Object.assign(kernel.requests, makeRequests())
        kernel.requests.faults.set(n, { _tag: "Refused", errno: "EPERM" })
        yield* callOn(kernel, invocation("DEL", { conf }))
        Object.assign(kernel.requests, makeRequests())
        assert.strictEqual((yield* callOn(kernel, invocation("DEL", { conf }))).status, 0)
        if (ownRoutes(kernel).length === 0) {
          // A link whose deletion was refused has no route any more: GC finds it.
          const gc = { conf: { ...conf, "cni.dev/valid-attachments": [] } }
          assert.strictEqual((yield* callOn(kernel, invocation("GC", gc))).status, 0)
        }
        assertSame(kernel.snapshot(), before)
      }
    })
  )
})

describe("many pods at once", () => {
  const seeds = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0xffffffff }))

  it.effect.prop(
    "come and go in any order: as many routes as pods, one link while there is one, none after",
    [seeds],
    ([seed]) =>
      Effect.gen(function* () {
        const kernel = makeNode(12)
        const before = kernel.snapshot()
        const machine = interleavedLayer(kernel, turnsOf(seed))
        const call = (command: string, pod: string) => callOn(kernel, invocation(command, { pod, conf }), { machine })
        const pods = Array.from({ length: 12 }, (_, index) => `c${index + 1}`)
        const [early, late] = [pods.slice(0, 6), pods.slice(6)]
        const all = (calls: ReadonlyArray<ReturnType<typeof call>>) =>
          Effect.map(Effect.all(calls, { concurrency: "unbounded" }), (answers) => {
            for (const { status, stdout } of answers) assert.strictEqual(status, 0, stdout)
          })
        yield* all(early.map((pod) => call("ADD", pod)))
        assert.strictEqual(ownRoutes(kernel).length, 6)
        yield* all([...early.map((pod) => call("DEL", pod)), ...late.map((pod) => call("ADD", pod))])
        const routes = ownRoutes(kernel)
        assert.strictEqual(routes.length, 6)
        assert.strictEqual(new Set(routes.map(({ dev }) => dev)).size, 1)
        yield* all(late.map((pod) => call("DEL", pod)))
        assertSame(kernel.snapshot(), before)
      }),
    { arbitrary: { runs: 20 } }
  )
})
