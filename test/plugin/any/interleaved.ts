/** The services of an in-memory kernel where others get their turn before each request, as they do between system calls. */
import * as Effect from "effect/Effect"
import type { Kernel } from "../../../src/mock/Kernel.ts"
import type { mockLayer } from "../../../src/mock/layer.ts"
import { aroundLayer } from "./aroundLayer.ts"

type Turns = () => number

/** Numbers from 0 to 3, the same for one seed. */
export const turnsOf = (seed: number): Turns => {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state >>> 30
  }
}

/** In an order that the seed decides. */
export const interleavedLayer = (kernel: Kernel, turns: Turns): ReturnType<typeof mockLayer> =>
  aroundLayer(kernel, (effect) =>
    Effect.suspend(() => Effect.andThen(Effect.repeat(Effect.yieldNow, { times: turns() }), effect))
  )
