/**
 * Spans to a collector, by effect's own exporter: OTLP over HTTP as OTEL_* variables say. Nothing is sent where they name no
 * endpoint. An endpoint that is down, slow or refuses costs no call anything: spans are put into a list, and sent from it
 * by fibers of their own, of which there are few.
 */
import * as Cause from "effect/Cause"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as OtlpSerialization from "effect/observability/OtlpSerialization"
import * as OtlpTracer from "effect/observability/OtlpTracer"
import type { AnySpan } from "effect/Tracer"
import { readSampler } from "./sampling.ts"
import { Sampling } from "./span.ts"

/** OTEL_* variables that make no sense. */
export class TelemetryError extends Data.TaggedError("TelemetryError")<{ readonly problem: string }> {}

type Env = Readonly<Record<string, string | undefined>>

/** Sendings that may be under way at once: what happens meanwhile is not recorded, so that memory stays bounded. */
const mostSendings = 4
/** Milliseconds for one of them, where OTEL_EXPORTER_OTLP_TIMEOUT names none. */
const timeLimit = 10_000

/** A tracer that sends what is sampled, and the sampling; nothing of either where no endpoint is configured. */
export const otlpLayer = (env: Env, serviceVersion: string): Effect.Effect<Layer.Layer<never>, TelemetryError> =>
  Effect.gen(function* () {
    if (!isConfigured(env)) return Layer.empty
    const sampler = readSampler(env)
    if (typeof sampler === "string") return yield* new TelemetryError({ problem: sampler })
    const protocol = env["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"] || env["OTEL_EXPORTER_OTLP_PROTOCOL"] || "http/protobuf"
    const serialization = serializations[protocol]
    if (serialization === undefined) {
      const known = Object.keys(serializations).join(" or ")
      const problem = `OTEL_EXPORTER_OTLP_PROTOCOL is ${JSON.stringify(protocol)}, but must be ${known}`
      return yield* new TelemetryError({ problem })
    }
    let sendings = 0
    const bounded = Layer.effect(
      HttpClient.HttpClient,
      Effect.map(HttpClient.HttpClient, (client) =>
        HttpClient.transform(client, (sending) =>
          Effect.suspend(() => {
            sendings++
            return Effect.ensuring(
              Effect.timeoutOrElse(sending, { duration: limitOf(env), orElse: () => Effect.die("no answer in time") }),
              Effect.sync(() => sendings--)
            )
          })
        )
      )
    ).pipe(Layer.provide(FetchHttpClient.layer))
    const tracer = OtlpTracer.layerFromConfig({ resource: { serviceVersion } }).pipe(
      Layer.provide(Layer.merge(bounded, serialization)),
      Layer.provide(ConfigProvider.layer(ConfigProvider.fromEnv({ env: withDefaults(env) })))
    )
    const sampling = Layer.succeed(
      Sampling,
      (parent: AnySpan | undefined) => sendings < mostSendings && sampler(parent)
    )
    return Layer.merge(tracer, sampling).pipe(
      Layer.catchCause((cause) => {
        const [reason] = Cause.prettyErrors(cause)
        return Layer.effectDiscard(
          Effect.die(new TelemetryError({ problem: `OTEL_* variables: ${reason?.message ?? "they make no sense"}` }))
        )
      })
    )
  })

/** Whether these variables ask for traces at all. */
export const isConfigured = (env: Env): boolean =>
  Boolean(env["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"] || env["OTEL_EXPORTER_OTLP_ENDPOINT"]) &&
  env["OTEL_SDK_DISABLED"]?.toLowerCase() !== "true" &&
  (env["OTEL_TRACES_EXPORTER"] || "otlp") !== "none"

const serializations: Readonly<Record<string, typeof OtlpSerialization.layerJson>> = {
  "http/protobuf": OtlpSerialization.layerProtobuf,
  "http/json": OtlpSerialization.layerJson
}

/** Milliseconds. */
const limitOf = (env: Env): number =>
  Number(env["OTEL_EXPORTER_OTLP_TRACES_TIMEOUT"] || env["OTEL_EXPORTER_OTLP_TIMEOUT"]) || timeLimit

/** What the specification has where a variable is not set, and the name of this service. Empty is not set. */
const withDefaults = (env: Env): Record<string, string> => ({
  OTEL_TRACES_EXPORTER: "otlp",
  OTEL_SERVICE_NAME: "macvtap-cni",
  ...Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) => (name.startsWith("OTEL_") && value ? [[name, value]] : []))
  )
})
