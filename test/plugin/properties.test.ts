/** What must hold of every attachment, whatever the node, the network and the moment. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { deviceName } from "../../src/devices/deviceName.ts"
import type { Kernel } from "../../src/mock/Kernel.ts"
import { AnswerLost } from "../../src/services/CallerService.ts"
import { assertSame } from "../lab/call/assertSame.ts"
import { type Answer, callOn } from "../lab/call/onMock.ts"
import { assertError } from "../lab/call/wellFormed.ts"
import { assertIsThere } from "./any/isThere.ts"
import { isImport, type Scenario, scenarios } from "./any/scenario.ts"
import { lost, refusals } from "./any/ways.ts"
import { deviceIDOf, invocationOf, makeWorld } from "./any/world.ts"

const checks = (scenario: Scenario): boolean => ["0.4.0", "1.0.0", "1.1.0"].includes(scenario.cniVersion)

const run = (kernel: Kernel, scenario: Scenario, command: string, more: object = {}) =>
  callOn(kernel, invocationOf(scenario, command, more))

const succeeded = (answer: Answer): Answer => {
  assert.strictEqual(answer.status, 0, answer.stdout)
  return answer
}

/** What is to be there after DEL: an imported device goes with the attachment. */
const traceless = (scenario: Scenario) => {
  const kernel = makeWorld(scenario)
  if (isImport(scenario)) {
    kernel.inside().linkDel(scenario.source === "device" ? "dev0" : deviceName(deviceIDOf(scenario) ?? ""))
    kernel.machine.stateFolder.nodes.clear()
  }
  return kernel.snapshot()
}

const once = { arbitrary: { runs: 150 } }
const swept = { arbitrary: { runs: 12, maxShrinks: 60 }, timeout: 60_000 }

describe("an attachment", () => {
  it.effect.prop(
    "is what ADD answers, passes CHECK, and is gone without a trace after DEL, however often",
    [scenarios],
    ([scenario]) =>
      Effect.gen(function* () {
        const kernel = makeWorld(scenario)
        const added = succeeded(yield* run(kernel, scenario, "ADD"))
        assert.strictEqual(added.written.length, 1)
        assertIsThere(kernel, scenario, added.stdout)
        const prevResult = JSON.parse(added.stdout)
        if (checks(scenario)) {
          const there = kernel.snapshot()
          assert.deepStrictEqual(succeeded(yield* run(kernel, scenario, "CHECK", { prevResult })).written, [])
          assertSame(kernel.snapshot(), there)
        }
        for (let time = 0; time < 2; time++) {
          assert.deepStrictEqual(succeeded(yield* run(kernel, scenario, "DEL", { prevResult })).written, [])
          assertSame(kernel.snapshot(), traceless(scenario))
        }
      }),
    once
  )

  it.effect.prop(
    "leaves nothing when its answer cannot be delivered",
    [scenarios],
    ([scenario]) =>
      Effect.gen(function* () {
        const kernel = makeWorld(scenario)
        const before = kernel.snapshot()
        const broken = new AnswerLost({ reason: "EPIPE" })
        const answer = yield* callOn(kernel, invocationOf(scenario, "ADD"), { deliver: () => Effect.fail(broken) })
        assert.strictEqual(answer.status, 1)
        assert.include(answer.stderr, "EPIPE")
        assertSame(kernel.snapshot(), before)
      }),
    once
  )

  it.effect.prop(
    "fails whole, or not at all, when any one of its requests is refused, or its answer lost",
    [scenarios],
    ([scenario]) =>
      Effect.gen(function* () {
        const whole = makeWorld(scenario)
        succeeded(yield* run(whole, scenario, "ADD"))
        for (const fault of [...refusals, lost]) {
          for (let n = 1; n <= whole.requests.count; n++) {
            const kernel = makeWorld(scenario)
            const before = kernel.snapshot()
            kernel.requests.faults.set(n, fault)
            const answer = yield* run(kernel, scenario, "ADD")
            const where = `${Object.values(fault).join(" ")} at ${n}: ${kernel.requests.log[n - 1]}`
            assert.strictEqual(answer.written.length, 1, where)
            if (answer.status === 1) {
              assertError(answer.stdout, scenario.cniVersion)
              assertSame(kernel.snapshot(), before, where)
            } else assertIsThere(kernel, scenario, answer.stdout, false)
            yield* run(kernel, scenario, "DEL")
            assertSame(kernel.snapshot(), answer.status === 1 ? before : traceless(scenario), where)
          }
        }
      }),
    swept
  )

  it.effect.prop(
    "leaves nothing when the call is stopped at any of its requests",
    [scenarios],
    ([scenario]) =>
      Effect.gen(function* () {
        const whole = makeWorld(scenario)
        succeeded(yield* run(whole, scenario, "ADD"))
        for (const moment of ["before", "after"] as const) {
          for (let n = 1; n <= whole.requests.count; n++) {
            const kernel = makeWorld(scenario)
            const before = kernel.snapshot()
            kernel.interruptRequest(n, moment)
            const answer = yield* run(kernel, scenario, "ADD")
            const where = `${moment} ${n}: ${kernel.requests.log[n - 1]}`
            assert.strictEqual(answer.status, 1, where)
            assert.strictEqual(answer.written.length, 1, where)
            assertError(answer.stdout, scenario.cniVersion)
            assertSame(kernel.snapshot(), before, where)
          }
        }
      }),
    swept
  )
})
