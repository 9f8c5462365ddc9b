import { assert, describe, it } from "@effect/vitest"
import { pairedRatio, quantile, summarize } from "../../bench/stats.ts"
import { ticks } from "../../bench/svg.ts"

describe("statistics of the bench", () => {
  it("takes what lies between two samples by its share", () => {
    assert.strictEqual(quantile([4, 1, 3, 2], 0.5), 2.5)
    assert.strictEqual(quantile([5], 0.9), 5)
    assert.deepStrictEqual(summarize([0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100]), {
      median: 50,
      p10: 10,
      p90: 90,
      runs: 11
    })
  })

  it("takes the ratio within pairs, whatever slowed both", () => {
    assert.deepStrictEqual(pairedRatio([2, 20, 200, 4], [1, 10, 100, 2]), { ratio: 2, low: 2, high: 2 })
  })

  it("gives the interval of the ratio by the ranks of its neighbours", () => {
    const ratios = Array.from({ length: 101 }, (_, index) => index)
    assert.deepStrictEqual(
      pairedRatio(
        ratios,
        ratios.map(() => 1)
      ),
      { ratio: 50, low: 40, high: 60 }
    )
  })

  it("marks an axis with round numbers that reach the highest value", () => {
    assert.deepStrictEqual(ticks(21.4), [0, 5, 10, 15, 20, 25])
    assert.deepStrictEqual(ticks(0.9), [0, 0.2, 0.4, 0.6, 0.8, 1])
  })
})
