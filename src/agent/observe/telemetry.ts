/** What the agent tells of itself: its calls as traces, as figures, as lines of its log, and for who asks. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Headers from "effect/http/Headers"
import * as HttpTraceContext from "effect/http/HttpTraceContext"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type { AnySpan } from "effect/Tracer"
import * as Tracer from "effect/Tracer"
import { type Ended, endedToJson, listening } from "../../observe/Ended.ts"
import { makeMeter } from "../../observe/metrics.ts"
import { otlpLayer, type TelemetryError } from "../../observe/otlp.ts"
import { makeRecorder } from "../../observe/Recorder.ts"
import { type Counted, Counting, Sampling } from "../../observe/span.ts"

/** Traces that the agent remembers, for `macvtap trace`. */
const remembered = 32

export interface Telemetry {
  /** A tracer for the agent's calls, and what it samples; with what OTEL_* variables ask for in it. */
  readonly layer: Layer.Layer<never, TelemetryError>
  /** The spans of a trace that is remembered, as JSON. */
  readonly spansOf: (traceId: string) => string
}

/** `onCall` hears of each call's end. */
export const makeTelemetry = (
  env: Readonly<Record<string, string | undefined>>,
  serviceVersion: string,
  onCall: (call: Ended, traceId: string | undefined) => void
): Telemetry => {
  const meter = makeMeter()
  const recorder = makeRecorder(remembered)
  const toCount: Array<Ended | Counted> = []
  const hear = (ended: Ended, outermost: boolean): void => {
    toCount.push(ended)
    if (ended.sampled) recorder.record(ended)
    if (ended.attributes.has("cni.command")) onCall(ended, ended.sampled ? ended.traceId : undefined)
    // Counted when the call is over: until then somebody waits for it.
    if (outermost) for (const one of toCount.splice(0)) meter(one)
  }
  const around = Layer.effectContext(
    Effect.gen(function* () {
      const tracer = yield* Tracer.Tracer
      const sampling = yield* Sampling
      return Context.make(Tracer.Tracer, listening(tracer, hear)).pipe(
        // Whoever made the call records it: what we did is kept, for it to be asked for.
        Context.add(Sampling, (parent) => sampling(parent) || parent?.sampled === true),
        // A call that is not recorded is the outermost thing that is heard of it.
        Context.add(Counting, (one) => ("sampled" in one ? hear(one, true) : void toCount.push(one)))
      )
    })
  )
  return {
    layer: Layer.unwrap(Effect.map(otlpLayer(env, serviceVersion), (otlp) => Layer.provide(around, otlp))),
    spansOf: (traceId) => JSON.stringify({ spans: recorder.spansOf(traceId).map(endedToJson) })
  }
}

/** The span that TRACEPARENT tells of (W3C Trace Context); undefined where it tells of none. */
export const callerOf = ({ TRACEPARENT }: Readonly<Record<string, string | undefined>>): AnySpan | undefined =>
  TRACEPARENT === undefined
    ? undefined
    : Option.getOrUndefined(HttpTraceContext.w3c(Headers.fromRecordUnsafe({ traceparent: TRACEPARENT })))
