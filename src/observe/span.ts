/**
 * What a call does, as spans of effect's tracer where its trace is recorded: the trace and the waterfall of `macvtap trace`
 * are made of them. Where it is not, what the figures need is timed and told to `Counting`, which costs a tenth of a span.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import { type AnySpan, ParentSpan, type Span } from "effect/Tracer"
import type { Ended } from "./Ended.ts"

export type Attributes = Readonly<Record<string, string | number | boolean>>

/** Something that took its time and is to be counted, by its attributes; no part of a recorded trace. */
export interface Counted {
  readonly attributes: Attributes
  readonly milliseconds: number
  readonly failed: boolean
}

/** Hears of what is counted; of a call that is not recorded, as of a span that has ended. undefined where nobody counts. */
export const Counting = Context.Reference<((one: Counted | Ended) => void) | undefined>(
  "macvtap-cni/observe/Counting",
  { defaultValue: () => undefined }
)

/**
 * Runs the effect within a span of its own, without the stack that effect would take for each, which costs more than a span.
 * Where the trace is not recorded it is only counted, if it has attributes; `ofFailure` are more of them where it fails.
 */
export const traced =
  <F = unknown>(name: string, attributes?: Attributes, ofFailure?: (error: F) => Attributes) =>
  <A, E extends F, R>(work: Effect.Effect<A, E, R>): Effect.Effect<A, E, Exclude<R, ParentSpan>> =>
    Effect.withFiber((fiber) => {
      if (Context.getOrUndefined(fiber.context, ParentSpan)?.sampled === true) {
        const told =
          ofFailure === undefined
            ? work
            : Effect.tapError(work, (error) => Effect.annotateCurrentSpan(ofFailure(error)))
        return Effect.withSpan(told, name, { attributes: attributes ?? {}, captureStackTrace: false })
      }
      const count = attributes === undefined ? undefined : Context.get(fiber.context, Counting)
      const same = work as Effect.Effect<A, E, Exclude<R, ParentSpan>>
      if (attributes === undefined || count === undefined) return same
      const began = performance.now()
      return Effect.onExit(same, (exit) => {
        const failure = ofFailure === undefined ? undefined : Option.getOrUndefined(Exit.findErrorOption(exit))
        count({
          attributes:
            failure === undefined || ofFailure === undefined ? attributes : { ...attributes, ...ofFailure(failure) },
          milliseconds: performance.now() - began,
          failed: exit._tag === "Failure"
        })
        return Effect.void
      })
    })

/** Whether a trace that begins here is recorded; asked with the caller's span, where there is one. */
export const Sampling = Context.Reference<(parent: AnySpan | undefined) => boolean>("macvtap-cni/observe/Sampling", {
  defaultValue: () => () => false
})

/** What is said of the call that is being answered, where it is not recorded and is counted. */
const Told = Context.Reference<Map<string, unknown> | undefined>("macvtap-cni/observe/Told", {
  defaultValue: () => undefined
})

/** The same as `traced`, for a call: what `Sampling` says of it holds for all that it does. */
export const tracedCall =
  (name: string, attributes: Attributes) =>
  <A, E, R>(work: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.withFiber(({ context }) => {
      const parent = Context.getOrUndefined(context, ParentSpan)
      const sampled = parent?._tag === "Span" ? parent.sampled : Context.get(context, Sampling)(parent)
      if (sampled) return Effect.withSpan(work, name, { attributes, kind: "server", sampled, captureStackTrace: false })
      const count = Context.get(context, Counting)
      return count === undefined ? work : countedCall(work, name, new Map(Object.entries(attributes)), count)
    }) as Effect.Effect<A, E, R>

const countedCall = <A, E, R>(
  work: Effect.Effect<A, E, R>,
  name: string,
  attributes: Map<string, unknown>,
  count: (call: Ended) => void
): Effect.Effect<A, E, R> => {
  const began = performance.now()
  return Effect.onExit(Effect.provideService(work, Told, attributes), (exit) => {
    const ids = { traceId: "", spanId: "", parentId: undefined }
    const times = { began: sinceEpoch(began), ended: sinceEpoch(performance.now()) }
    count({ name, ...ids, kind: "server", ...times, attributes, failed: exit._tag === "Failure", sampled: false })
    return Effect.void
  })
}

/** Nanoseconds, of what performance.now() said. */
const sinceEpoch = (milliseconds: number): bigint => BigInt(Math.round((performance.timeOrigin + milliseconds) * 1e6))

/**
 * The same for what is done of a call before it begins, waiting for its turn: a part of the caller's trace, or a new one.
 * Where neither is recorded it is no span, and the call within is not asked about again.
 */
export const tracedArrival =
  (name: string, caller: AnySpan | undefined) =>
  <A, E, R>(work: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.withFiber(({ context }) =>
      Context.get(context, Sampling)(caller)
        ? Effect.withSpan(work, name, {
            ...(caller === undefined ? { root: true } : { parent: caller }),
            sampled: true,
            captureStackTrace: false
          })
        : Effect.provideService(work, Sampling, never)
    ) as Effect.Effect<A, E, R>

const never = (): boolean => false

/** What a failed call takes back: a part of the call, whatever it was doing when what is taken back was made. */
export const tracedRollback =
  (what: string) =>
  <A, E, R>(work: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.flatMap(callSpan, (parent) => {
      const name = `take back the ${what}`
      const attributes = { "rollback.of": what }
      return parent !== undefined
        ? Effect.withSpan(work, name, { attributes, parent, captureStackTrace: false })
        : traced(name, attributes)(work)
    }) as Effect.Effect<A, E, R>

/** Says something of the call that is being answered, from wherever within it. */
export const annotateCall = (attributes: Attributes): Effect.Effect<void> =>
  Effect.withFiber(({ context }) => {
    const told = Context.get(context, Told)
    const span = told === undefined ? callSpanIn(context) : undefined
    for (const key in attributes) {
      told?.set(key, attributes[key])
      span?.attribute(key, attributes[key])
    }
    return Effect.void
  })

/** The recorded span of the call that is being answered. */
const callSpanIn = (context: Context.Context<never>): Span | undefined => {
  let here: AnySpan | undefined = Context.getOrUndefined(context, ParentSpan)
  while (here?._tag === "Span" && here.kind !== "server") here = Option.getOrUndefined(here.parent)
  return here?._tag === "Span" ? here : undefined
}
const callSpan = Effect.withFiber(({ context }) => Effect.succeed(callSpanIn(context)))

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
