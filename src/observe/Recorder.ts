/** Keeps the spans of the latest traces, in bounded memory, for whoever asks for one by its ID. */
import type { Ended } from "./Ended.ts"

export interface Recorder {
  /** Takes a span that has ended. */
  readonly record: (ended: Ended) => void
  /** The spans of a trace so far, in the order of their ends; none where it is not known, or not any more. */
  readonly spansOf: (traceId: string) => ReadonlyArray<Ended>
}

/** Spans of one trace: an ADD with everything has some 40. */
const mostSpans = 500

/** `mostTraces`: when one more begins the oldest is forgotten. */
export const makeRecorder = (mostTraces: number): Recorder => {
  const traces = new Map<string, Array<Ended>>()
  return {
    record: (ended) => {
      const spans = traces.get(ended.traceId) ?? []
      if (spans.length < mostSpans) spans.push(ended)
      traces.set(ended.traceId, spans)
      const [oldest] = traces.keys()
      if (traces.size > mostTraces && oldest !== undefined) traces.delete(oldest)
    },
    spansOf: (traceId) => traces.get(traceId) ?? []
  }
}
