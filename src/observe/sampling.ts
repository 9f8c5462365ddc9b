/** OTEL_TRACES_SAMPLER and its argument, as OpenTelemetry's specification of environment variables has them. */
import type { AnySpan } from "effect/Tracer"

type Sampler = (parent: AnySpan | undefined) => boolean

/** What `OTEL_TRACES_SAMPLER` names; `parentbased_always_on` where it is not set. Words where it names nothing. */
export const readSampler = (env: Readonly<Record<string, string | undefined>>): Sampler | string => {
  const name = env["OTEL_TRACES_SAMPLER"] || "parentbased_always_on"
  const text = env["OTEL_TRACES_SAMPLER_ARG"] || "1"
  const ratio = Number(text)
  if (name.endsWith("traceidratio") && !(ratio >= 0 && ratio <= 1)) {
    return `OTEL_TRACES_SAMPLER_ARG is ${JSON.stringify(text)}, but must be a number from 0 to 1`
  }
  const roots: Readonly<Record<string, Sampler>> = {
    always_on: () => true,
    always_off: () => false,
    traceidratio: (parent) => (parent === undefined ? Math.random() < ratio : fraction(parent.traceId) < ratio)
  }
  const [, isParentBased, root = ""] = /^(parentbased_)?(.*)$/.exec(name) ?? []
  const sampler = roots[root]
  if (sampler === undefined) {
    const known = Object.keys(roots).flatMap((known) => [known, `parentbased_${known}`])
    return `OTEL_TRACES_SAMPLER is ${JSON.stringify(name)}, but must be one of ${known.join(", ")}`
  }
  return isParentBased === undefined ? sampler : (parent) => (parent === undefined ? sampler(parent) : parent.sampled)
}

/** Where in [0, 1) the random part of a trace ID lies: the same for all who see the trace. Its last 56 bits are random. */
const fraction = (traceId: string): number => Number.parseInt(traceId.slice(-14), 16) / 2 ** 56
