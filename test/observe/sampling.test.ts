import { assert, describe, it } from "@effect/vitest"
import { externalSpan } from "effect/Tracer"
import { readSampler } from "../../src/observe/sampling.ts"

const parent = (sampled: boolean, traceId = "0af7651916cd43dd8448eb211c80319c") =>
  externalSpan({ traceId, spanId: "b7ad6b7169203331", sampled })

const sampler = (name?: string, argument?: string) => {
  const read = readSampler({ OTEL_TRACES_SAMPLER: name, OTEL_TRACES_SAMPLER_ARG: argument })
  return typeof read === "string" ? assert.fail(read) : read
}

describe("OTEL_TRACES_SAMPLER", () => {
  it("follows the parent where nothing is configured, and records what has none", () => {
    const read = sampler()
    assert.deepStrictEqual([read(undefined), read(parent(true)), read(parent(false))], [true, true, false])
  })

  it.each([
    ["always_on", [true, true, true]],
    ["always_off", [false, false, false]],
    ["parentbased_always_off", [false, true, false]]
  ] as const)("%s", (name, expected) => {
    const read = sampler(name)
    assert.deepStrictEqual([read(undefined), read(parent(true)), read(parent(false))], [...expected])
  })

  it("takes the share that is asked for, the same for all who see a trace", () => {
    const read = sampler("traceidratio", "0.25")
    const low = parent(false, "0af7651916cd43dd803fff0000000000")
    const high = parent(true, "0af7651916cd43dd8040000000000000")
    assert.deepStrictEqual([read(low), read(high)], [true, false])
    const of = 20_000
    let taken = 0
    for (let n = 0; n < of; n++) if (read(undefined)) taken++
    // Eight standard deviations.
    assert.approximately(taken / of, 0.25, 8 * Math.sqrt((0.25 * 0.75) / of))
    assert.isFalse(sampler("parentbased_traceidratio", "0")(undefined))
  })

  it("says which variable makes no sense", () => {
    assert.match(
      String(readSampler({ OTEL_TRACES_SAMPLER: "jaeger" })),
      /^OTEL_TRACES_SAMPLER is "jaeger", but must be/
    )
    for (const argument of ["2", "-1", "a"]) {
      const words = readSampler({ OTEL_TRACES_SAMPLER: "traceidratio", OTEL_TRACES_SAMPLER_ARG: argument })
      assert.match(String(words), /^OTEL_TRACES_SAMPLER_ARG is ".*", but must be a number from 0 to 1$/)
    }
  })
})
