/** Two pods that do anything a pod can do, in any order with what the node does, and at any moment of a call. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { makeRandom, shortest } from "../../contract/model/random.ts"
import { makeNode } from "./Node.ts"
import { endAll, perform } from "./perform.ts"
import { type Step, sequence } from "./steps.ts"

const seed = process.env["MODEL_SEED"] ?? "macvtap"
const runs = Number(process.env["MODEL_RUNS"] ?? 300)
const length = 30

/** The promises that are broken first, in words. */
const brokenBy = Effect.fnUntraced(function* (steps: ReadonlyArray<Step>) {
  const node = makeNode()
  for (const step of steps) {
    yield* perform(node, step)
    if (node.broken.length > 0) return node.broken
  }
  yield* endAll(node)
  return node.broken
})

describe(`two pods that may do anything (MODEL_SEED=${seed})`, () => {
  it.effect(
    `cannot open each other's taps, nor keep each other from their own, in ${runs} runs`,
    () =>
      Effect.gen(function* () {
        for (let run = 0; run < runs; run++) {
          const steps = sequence(makeRandom(`${seed} ${run}`), length)
          if ((yield* brokenBy(steps)).length === 0) continue
          const fewest = yield* shortest(steps, (some) => Effect.map(brokenBy(some), ({ length }) => length > 0), 400)
          assert.fail(
            `run ${run}: ${(yield* brokenBy(fewest)).join("; ")}\n${fewest.map((step) => JSON.stringify(step)).join("\n")}`
          )
        }
      }),
    120_000
  )
})
