/** Spans that have ended, as plain data, and a tracer that hands them on to whoever listens. */
import type * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Tracer from "effect/Tracer"

export interface Ended {
  readonly name: string
  readonly traceId: string
  readonly spanId: string
  readonly parentId: string | undefined
  readonly kind: Tracer.SpanKind
  /** Nanoseconds since the epoch. */
  readonly began: bigint
  readonly ended: bigint
  readonly attributes: ReadonlyMap<string, unknown>
  readonly failed: boolean
  /** Recorded in a trace, and not only counted. */
  readonly sampled: boolean
}

/** What a span is made of when it ends. Its IDs are random numbers, made where somebody asks for them. */
class EndedSpan implements Ended {
  readonly name: string
  readonly kind: Tracer.SpanKind
  readonly began: bigint
  readonly ended: bigint
  readonly attributes: ReadonlyMap<string, unknown>
  readonly failed: boolean
  readonly sampled: boolean
  readonly #span: Tracer.Span
  constructor(span: Tracer.Span, began: bigint, ended: bigint, failed: boolean) {
    this.#span = span
    this.name = span.name
    this.kind = span.kind
    this.began = began
    this.ended = ended
    this.attributes = span.attributes
    this.failed = failed
    this.sampled = span.sampled
  }
  get traceId(): string {
    return this.#span.traceId
  }
  get spanId(): string {
    return this.#span.spanId
  }
  get parentId(): string | undefined {
    return Option.getOrUndefined(this.#span.parent)?.spanId
  }
}

/** What `inner` makes, each told of when it ends; an `outermost` one has nothing of this process above it. */
export const listening = (inner: Tracer.Tracer, listener: (ended: Ended, outermost: boolean) => void): Tracer.Tracer =>
  Tracer.make({
    ...inner,
    span: (options) => {
      const span = inner.span(options)
      const { end } = span
      span.end = (endTime: bigint, exit: Exit.Exit<unknown, unknown>): void => {
        end.call(span, endTime, exit)
        const outermost = Option.isNone(span.parent) || span.parent.value._tag === "ExternalSpan"
        listener(new EndedSpan(span, options.startTime, endTime, exit._tag === "Failure"), outermost)
      }
      return span
    }
  })

/** As JSON, which has no big integers and no maps. */
export const endedToJson = (span: Ended): object => ({
  name: span.name,
  traceId: span.traceId,
  spanId: span.spanId,
  parentId: span.parentId,
  kind: span.kind,
  began: String(span.began),
  ended: String(span.ended),
  attributes: Object.fromEntries(span.attributes),
  failed: span.failed,
  sampled: span.sampled
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
