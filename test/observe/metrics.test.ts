/** What a call's parts are counted as, recorded in a trace or not, and that nobody can multiply a label. */
import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import { format } from "effect/observability/PrometheusMetrics"
import * as Tracer from "effect/Tracer"
import { listening } from "../../src/observe/Ended.ts"
import { makeMeter } from "../../src/observe/metrics.ts"
import { annotateCall, Counting, Sampling, traced, tracedCall } from "../../src/observe/span.ts"

/** The figures after `work`, in a registry of their own. */
const figuresOf = (recorded: boolean, work: Effect.Effect<unknown, unknown>) =>
  Effect.gen(function* () {
    const context = yield* Effect.context<never>()
    const meter = makeMeter(context)
    yield* work.pipe(
      Effect.ignore,
      Effect.provideService(Tracer.Tracer, listening(Tracer.nativeTracer, meter)),
      Effect.provideService(Counting, meter),
      Effect.provideService(Sampling, () => recorded)
    )
    return (yield* format()).split("\n")
  }).pipe(Effect.provideService(Metric.MetricRegistry, new Map()))

it.effect.each([true, false])("a call, what it asked for, waited for and took back, recorded: %s", (recorded) =>
  Effect.gen(function* () {
    const refused = Effect.fail("EEXIST").pipe(
      traced("ip link add net1", { "netlink.operation": "ip link add" }, (errno: string) => ({
        "netlink.errno": errno
      }))
    )
    const steps = Effect.all([
      Effect.void.pipe(traced("wait", { "wait.for": "place" })),
      Effect.void.pipe(traced("hold numbers back", { "held.back": true })),
      Effect.void.pipe(traced("take back the link", { "rollback.of": "link" })),
      refused
    ]).pipe(Effect.tapError(() => annotateCall({ "cni.error.code": 7 })))
    const lines = yield* figuresOf(recorded, steps.pipe(tracedCall("CNI ADD", { "cni.command": "ADD" })))
    for (const line of [
      'macvtap_cni_calls_total{command="ADD",code="7"} 1',
      'macvtap_cni_call_duration_seconds_count{command="ADD"} 1',
      'macvtap_cni_kernel_refusals_total{operation="ip link add",errno="EEXIST"} 1',
      'macvtap_cni_wait_duration_seconds_count{for="place"} 1',
      'macvtap_cni_rollbacks_total{what="link"} 1',
      "macvtap_cni_numbers_held_back_total 1"
    ]) {
      assert.include(lines, line)
    }
  })
)

it.effect.each([true, false])("tells 16 types of IPAM apart, and not one more, recorded: %s", (recorded) =>
  Effect.gen(function* () {
    const types = Array.from({ length: 100 }, (_, n) => `type${n}`)
    const calls = Effect.forEach(types, (type) => Effect.void.pipe(traced("IPAM", { "ipam.type": type })))
    const counts = (yield* figuresOf(recorded, calls.pipe(tracedCall("CNI", {})))).filter((line) =>
      line.startsWith("macvtap_cni_ipam_duration_seconds_count")
    )
    assert.lengthOf(counts, 17)
    assert.include(counts, 'macvtap_cni_ipam_duration_seconds_count{type="other"} 84')
  })
)
