/** What a call's own span tells, before anything of the call is known to be right. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Tracer from "effect/Tracer"
import { listening } from "../../src/observe/Ended.ts"
import { Sampling } from "../../src/observe/span.ts"
import { callOn } from "../lab/call/onMock.ts"
import { invocation, makeNode } from "../lab/call/plain.ts"

const attributesFor = (args: string) =>
  Effect.gen(function* () {
    const told = new Map<string, unknown>()
    const tracer = listening(Tracer.nativeTracer, ({ kind, attributes }) => {
      if (kind === "server") for (const [name, value] of attributes) told.set(name, value)
    })
    yield* callOn(makeNode(), invocation("DEL", { args })).pipe(
      Effect.provideService(Tracer.Tracer, tracer),
      Effect.provideService(Sampling, () => true)
    )
    return [told.get("cni.command"), told.get("k8s.pod.name"), told.get("k8s.namespace.name")]
  })

describe("the span of a call", () => {
  it.effect("names the pod that CNI_ARGS names first", () =>
    Effect.gen(function* () {
      const told = yield* attributesFor("IgnoreUnknown=1;K8S_POD_NAME=web=1;K8S_POD_NAMESPACE=;K8S_POD_NAME=other")
      assert.deepStrictEqual(told, ["DEL", "web=1", ""])
    })
  )

  it.effect("names none where CNI_ARGS has but a word that begins so", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* attributesFor("K8S_POD_NAMES;K8S_POD_NAMESPACE"), ["DEL", undefined, undefined])
    })
  )
})
