import { it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { assert, describe } from "vitest"
import { hasMacvtap } from "../../lab/machine.ts"
import { liveWorld } from "../liveWorld.ts"
import { mockWorld } from "../mockWorld.ts"
import { type Operation, sequence } from "./operations.ts"
import { makeRig } from "./Rig.ts"
import { makeRandom, shortest } from "./random.ts"

const seed = process.env["MODEL_SEED"] ?? "macvtap"
const runs = Number(process.env["MODEL_RUNS"] ?? 10)
const length = 30

let count = 0

/** Every run has ifindexes of its own: the kernel destroys what the last one had in the background. */
const nextBase = (): number => 1_700_000_000 + (process.pid % 4_000) * 100_000 + (count++ % 50) * 2_000

/** The first step after which the two disagree, in words; undefined where they agree to the end. */
const disagreement = Effect.fnUntraced(function* (operations: ReadonlyArray<Operation>) {
  const base = nextBase()
  const mock = yield* makeRig(mockWorld, base)
  const live = yield* makeRig(liveWorld, base)
  for (const [step, operation] of operations.entries()) {
    const target = yield* mock.targetOf(operation)
    const [expected, modelled] = [yield* live.perform(operation, target), yield* mock.perform(operation, target)]
    const where = `step ${step + 1}, ${JSON.stringify(operation)} on ${target.at} ${target.index}`
    if (expected !== modelled) return `${where}: the kernel says ${expected}, the mock says ${modelled}`
    const [there, here] = [yield* live.look, yield* mock.look]
    const missing = there.filter((line) => !here.includes(line)).map((line) => `the kernel has ${line}`)
    const extra = here.filter((line) => !there.includes(line)).map((line) => `the mock has   ${line}`)
    if (missing.length + extra.length > 0) return [`${where}: ${expected}`, ...missing, ...extra].join("\n  ")
  }
  return undefined
}, Effect.scoped)

/** A sequence on which they disagree, made as short as it goes. */
const explain = Effect.fnUntraced(function* (operations: ReadonlyArray<Operation>) {
  const disagree = (some: ReadonlyArray<Operation>) => Effect.map(disagreement(some), (found) => found !== undefined)
  const short = yield* shortest(operations, disagree, 150)
  const steps = short.map((operation) => `  ${JSON.stringify(operation)}`)
  return [...steps, yield* disagreement(short)].join("\n")
})

describe.skipIf(!hasMacvtap)("the kernel in memory", () => {
  it.live(
    `does what the real one does, step by step (MODEL_SEED=${seed} MODEL_RUNS=${runs})`,
    () =>
      Effect.gen(function* () {
        for (let run = 0; run < runs; run++) {
          const operations = sequence(makeRandom(`${seed} ${run}`), length)
          const found = yield* disagreement(operations)
          if (found !== undefined) assert.fail(`run ${run}\n${yield* explain(operations)}`)
        }
      }),
    { timeout: 60_000 + runs * 5_000 }
  )
})
