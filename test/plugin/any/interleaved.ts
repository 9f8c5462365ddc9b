/** The services of an in-memory kernel where others get their turn before each request, as they do between system calls. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { aroundEach } from "../../../src/mock/faults/aroundEach.ts"
import type { Kernel } from "../../../src/mock/Kernel.ts"
import { mockLayer } from "../../../src/mock/layer.ts"
import { NetlinkService } from "../../../src/services/NetlinkService.ts"
import { NetnsService } from "../../../src/services/NetnsService.ts"
import { TapService } from "../../../src/services/TapService.ts"

type Turns = () => number

/** Numbers from 0 to 3, the same for one seed. */
export const turnsOf = (seed: number): Turns => {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state >>> 30
  }
}

const yielding = <A extends object>(service: A, turns: Turns): A =>
  aroundEach(service, (effect) =>
    Effect.suspend(() => Effect.andThen(Effect.repeat(Effect.yieldNow, { times: turns() }), effect))
  )

/** In an order that the seed decides. */
export const interleavedLayer = (kernel: Kernel, turns: Turns): ReturnType<typeof mockLayer> => {
  const plain = mockLayer(kernel)
  return Layer.mergeAll(
    plain,
    Layer.effect(
      NetlinkService,
      NetlinkService.useSync(({ changes, connect }) =>
        NetlinkService.of({
          changes,
          connect: (netns) => Effect.map(connect(netns), (route) => yielding(route, turns))
        })
      )
    ).pipe(Layer.provide(plain)),
    Layer.effect(
      NetnsService,
      NetnsService.useSync((it) => NetnsService.of(yielding(it, turns)))
    ).pipe(Layer.provide(plain)),
    Layer.effect(
      TapService,
      TapService.useSync((it) => TapService.of(yielding(it, turns)))
    ).pipe(Layer.provide(plain))
  )
}
