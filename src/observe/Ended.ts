/** Spans, and calls that were not recorded, as plain data when they have ended; and a tracer that hands spans on. */
import type * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Tracer from "effect/Tracer"

export interface Ended {
  readonly name: string
  /** The IDs are those of a trace: empty where none is recorded. */
  readonly traceId: string
  readonly spanId: string
  readonly parentId: string | undefined
  readonly kind: Tracer.SpanKind
  /** Nanoseconds since the epoch. */
  readonly began: bigint
  readonly ended: bigint
  readonly attributes: ReadonlyMap<string, unknown>
  readonly failed: boolean
  /** Recorded in a trace; else it is there to be counted, and to have what is said of its call. */
  readonly sampled: boolean
}

/** What `inner` makes, each told of when it ends; an `outermost` one has none of this tracer's above it. */
export const listening = (
  inner: Tracer.Tracer,
  listener: (ended: Ended, outermost: boolean) => void
): Tracer.Tracer => {
  const ours = new WeakSet<Tracer.AnySpan>()
  return Tracer.make({
    ...inner,
    span: (options) => {
      const span = inner.span(options)
      const parent = Option.getOrUndefined(span.parent)
      const outermost = parent === undefined || !ours.has(parent)
      const { end } = span
      ours.add(span)
      span.end = (endTime: bigint, exit: Exit.Exit<unknown, unknown>): void => {
        end.call(span, endTime, exit)
        listener(
          {
            name: span.name,
            traceId: span.traceId,
            spanId: span.spanId,
            parentId: parent?.spanId,
            kind: span.kind,
            began: options.startTime,
            ended: endTime,
            attributes: span.attributes,
            failed: exit._tag === "Failure",
            sampled: span.sampled
          },
          outermost
        )
      }
      return span
    }
  })
}

/** As JSON, which has no big integers and no maps. */
export const endedToJson = ({ began, ended, attributes, ...rest }: Ended): object => ({
  ...rest,
  began: String(began),
  ended: String(ended),
  attributes: Object.fromEntries(attributes)
})

/** What `endedToJson` made; whoever says something else is not answered by our agent, and may fail. */
export const endedFromJson = (json: ReturnType<typeof endedToJson>): Ended => {
  const { began, ended, attributes, ...rest } = json as Omit<Ended, "began" | "ended" | "attributes"> & {
    readonly began: string
    readonly ended: string
    readonly attributes: Readonly<Record<string, unknown>>
  }
  return { ...rest, began: BigInt(began), ended: BigInt(ended), attributes: new Map(Object.entries(attributes)) }
}
