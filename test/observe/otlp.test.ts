import { assert, describe, it } from "@effect/vitest"
import protocol from "@opentelemetry/otlp-transformer/build/src/generated/root.js"
import * as Effect from "effect/Effect"
import { isConfigured, otlpLayer } from "../../src/observe/otlp.ts"
import { traced, tracedCall } from "../../src/observe/span.ts"
import { makeCollector } from "./collector.ts"

interface Protocol {
  readonly opentelemetry: {
    readonly proto: {
      readonly collector: {
        readonly trace: {
          readonly v1: { readonly ExportTraceServiceRequest: { readonly decode: (bytes: Uint8Array) => TracesOf } }
        }
      }
    }
  }
}

interface TracesOf {
  readonly resourceSpans: ReadonlyArray<{
    readonly resource: {
      readonly attributes: ReadonlyArray<{ readonly key: string; readonly value: { readonly stringValue: string } }>
    }
    readonly scopeSpans: ReadonlyArray<{ readonly spans: ReadonlyArray<{ readonly name: string }> }>
  }>
}

/** OpenTelemetry's own definitions, which read what effect's exporter writes. */
const { trace } = (protocol as unknown as Protocol).opentelemetry.proto.collector

type Env = Readonly<Record<string, string | undefined>>

const aCall = Effect.void.pipe(
  traced("ip link add net1", { "netlink.operation": "ip link add" }),
  tracedCall("CNI ADD", { "cni.command": "ADD" })
)

/** Some calls with what an environment asks for, and the end of the process that made them. */
const inAgent = async (env: Env, calls = 1): Promise<number> => {
  const began = performance.now()
  await Effect.runPromise(
    Effect.gen(function* () {
      const layer = yield* otlpLayer(env, "1.2.3")
      yield* Effect.provide(Effect.replicateEffect(aCall, calls), layer)
    }) as Effect.Effect<void>
  )
  return performance.now() - began
}

const json = (url: string): Env => ({ OTEL_EXPORTER_OTLP_ENDPOINT: url, OTEL_EXPORTER_OTLP_PROTOCOL: "http/json" })

describe("spans to a collector", () => {
  it("go where OTEL_EXPORTER_OTLP_ENDPOINT says, with who sends them", async () => {
    await using collector = await makeCollector()
    await inAgent({ ...json(collector.url), OTEL_RESOURCE_ATTRIBUTES: "k8s.node.name=node1" })
    assert.deepStrictEqual(
      collector.requests.map(({ path }) => path),
      ["/v1/traces"]
    )
    const [request, call] = collector.spans
    assert.deepStrictEqual([request?.name, call?.name], ["ip link add net1", "CNI ADD"])
    assert.strictEqual(request?.parentSpanId, call?.spanId)
    assert.strictEqual(request?.traceId, call?.traceId)
    // SPAN_KIND_SERVER
    assert.strictEqual(call?.kind, 2)
    assert.deepInclude(collector.resource, {
      "service.name": "macvtap-cni",
      "service.version": "1.2.3",
      "k8s.node.name": "node1"
    })
  })

  it("are protobuf where nothing else is asked for", async () => {
    await using collector = await makeCollector()
    await inAgent({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${collector.url}/traces`, OTEL_SERVICE_NAME: "mine" })
    assert.deepStrictEqual(
      collector.requests.map(({ path, type }) => [path, type]),
      [["/traces", "application/x-protobuf"]]
    )
    const read = trace.v1.ExportTraceServiceRequest.decode(collector.requests[0]?.body ?? new Uint8Array())
    const [{ resource, scopeSpans } = {}] = read.resourceSpans
    const names = scopeSpans?.flatMap(({ spans }) => spans.map(({ name }) => name))
    assert.deepStrictEqual(names, ["ip link add net1", "CNI ADD"])
    const service = resource?.attributes.find(({ key }) => key === "service.name")
    assert.strictEqual(service?.value.stringValue, "mine")
  })

  it("are none where nothing is configured, or switched off, or sampled away", async () => {
    await using collector = await makeCollector()
    for (const env of [
      {},
      { ...json(""), OTEL_EXPORTER_OTLP_ENDPOINT: "" },
      { ...json(collector.url), OTEL_SDK_DISABLED: "true" },
      { ...json(collector.url), OTEL_TRACES_EXPORTER: "none" },
      { ...json(collector.url), OTEL_TRACES_SAMPLER: "always_off" }
    ]) {
      await inAgent(env)
    }
    assert.deepStrictEqual(collector.spans, [])
    assert.isFalse(isConfigured({ OTEL_EXPORTER_OTLP_ENDPOINT: "" }))
  })

  it("cost little where nobody listens, refuses, or never answers", async () => {
    await using silent = await makeCollector(async () => undefined)
    await using refusing = await makeCollector(async () => 400)
    for (const url of ["http://127.0.0.1:9", silent.url, refusing.url]) {
      // What it takes to give up at the end; calls themselves wait for nothing.
      const env = { ...json(url), OTEL_EXPORTER_OTLP_TIMEOUT: "300" }
      assert.isBelow(await inAgent(env, 3000), 4000, url)
    }
  })

  it("says what is wrong with a variable", async () => {
    for (const [env, words] of [
      [
        { OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" },
        /^OTEL_EXPORTER_OTLP_PROTOCOL is "grpc", but must be http\/protobuf or/
      ],
      [{ OTEL_TRACES_SAMPLER: "x" }, /^OTEL_TRACES_SAMPLER is "x"/]
    ] as const) {
      const failed = await Effect.runPromise(
        Effect.flip(otlpLayer({ OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:4318", ...env }, "1"))
      )
      assert.match(failed.problem, words)
    }
  })
})
