/** Which of the spans that end are the outermost of their tracer: by those is known that a call is over. */
import * as Effect from "effect/Effect"
import * as Tracer from "effect/Tracer"
import { assert, describe, it } from "vitest"
import { listening } from "../../src/observe/Ended.ts"

describe("spans that end", () => {
  const heard: Array<string> = []
  const tracer = listening(Tracer.nativeTracer, ({ name }, outermost) => {
    heard.push(`${name}${outermost ? ", outermost" : ""}`)
  })
  const within = Effect.void.pipe(Effect.withSpan("inner"))

  it("are outermost where nothing of the same tracer is above them, be it another tracer's", () => {
    const alone = within.pipe(Effect.withSpan("outer", { root: true }))
    const below = within.pipe(Effect.provideService(Tracer.Tracer, tracer), Effect.withSpan("another's"))
    Effect.runSync(Effect.provideService(alone, Tracer.Tracer, tracer))
    Effect.runSync(below)
    assert.deepStrictEqual(heard, ["inner", "outer, outermost", "inner, outermost"])
  })
})
