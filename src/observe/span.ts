/**
 * What a call does, as spans of effect's tracer: a trace, the figures and the waterfall of `macvtap trace` are all made of
 * them. Where nobody listens the tracer is off, and a span is nothing.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { type AnySpan, ParentSpan, type Span, type SpanKind } from "effect/Tracer"

export type Attributes = Readonly<Record<string, string | number | boolean>>

/**
 * Runs the effect within a span of its own, without the stack that effect would take for each, which costs more than a span.
 * Where the trace is not recorded only what has attributes is a span, since that is counted.
 */
export const traced =
  (name: string, attributes?: Attributes, kind: SpanKind = "internal") =>
  <A, E, R>(work: Effect.Effect<A, E, R>): Effect.Effect<A, E, Exclude<R, ParentSpan>> => {
    const within = Effect.withSpan(work, name, { attributes: attributes ?? {}, kind, captureStackTrace: false })
    if (attributes !== undefined) return within
    return Effect.withFiber((fiber) =>
      Context.getOrUndefined(fiber.context, ParentSpan)?.sampled === true
        ? within
        : (work as Effect.Effect<A, E, Exclude<R, ParentSpan>>)
    )
  }

/** Whether a trace that begins here is recorded; asked with the caller's span, where there is one. */
export const Sampling = Context.Reference<(parent: AnySpan | undefined) => boolean>("macvtap-cni/observe/Sampling", {
  defaultValue: () => () => false
})

/** The same as `traced`, for a call: what `Sampling` says of it holds for all that it does. */
export const tracedCall =
  (name: string, attributes: Attributes) =>
  <A, E, R>(work: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.gen(function* () {
      const parent = Option.getOrUndefined(yield* Effect.option(Effect.currentParentSpan))
      const sampled = parent?._tag === "Span" ? parent.sampled : (yield* Sampling)(parent)
      return yield* Effect.withSpan(work, name, { attributes, kind: "server", sampled, captureStackTrace: false })
    }) as Effect.Effect<A, E, R>

/** The same for what is done of a call before it begins, waiting for its turn: a part of the caller's trace, or a new one. */
export const tracedArrival =
  (name: string, caller: AnySpan | undefined) =>
  <A, E, R>(work: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.flatMap(Sampling, (sampling) =>
      Effect.withSpan(work, name, {
        ...(caller === undefined ? { root: true } : { parent: caller }),
        sampled: sampling(caller),
        captureStackTrace: false
      })
    ) as Effect.Effect<A, E, R>

/** What a failed call takes back: a part of the call, whatever it was doing when what is taken back was made. */
export const tracedRollback =
  (what: string) =>
  <A, E, R>(work: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.flatMap(callSpan, (parent) =>
      parent === undefined
        ? work
        : Effect.withSpan(work, `take back the ${what}`, {
            attributes: { "rollback.of": what },
            parent,
            captureStackTrace: false
          })
    ) as Effect.Effect<A, E, R>

/** Says something of the call that is being answered, from wherever within it. */
export const annotateCall = (attributes: Attributes): Effect.Effect<void> =>
  Effect.map(callSpan, (span) => {
    for (const [key, value] of Object.entries(attributes)) span?.attribute(key, value)
  })

/** The span of the call that is being answered. */
const callSpan: Effect.Effect<Span | undefined> = Effect.map(Effect.option(Effect.currentSpan), (span) => {
  let here: AnySpan | undefined = Option.getOrUndefined(span)
  while (here?._tag === "Span" && here.kind !== "server") here = Option.getOrUndefined(here.parent)
  return here?._tag === "Span" ? here : undefined
})

/** The trace that is being recorded; undefined where none is. */
export const traceId: Effect.Effect<string | undefined> = Effect.map(Effect.option(Effect.currentSpan), (span) =>
  Option.isSome(span) && span.value.sampled ? span.value.traceId : undefined
)

/**
 * What a child process is told of the trace (W3C Trace Context, as environment variables: OpenTelemetry's "Environment
 * Variables as Context Propagation Carriers"); nothing where none is being recorded.
 */
export const carrier: Effect.Effect<{ readonly TRACEPARENT?: string }> = Effect.map(
  Effect.option(Effect.currentSpan),
  (span) =>
    Option.isSome(span) && span.value.sampled ? { TRACEPARENT: `00-${span.value.traceId}-${span.value.spanId}-01` } : {}
)
