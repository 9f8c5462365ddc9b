/** `/healthz` and `/metrics`, for a probe and for Prometheus, on an address that somebody asked for. */
import { createServer } from "node:http"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import { format } from "effect/observability/PrometheusMetrics"
import type { Address } from "./address.ts"
import { Status } from "./Status.ts"

export class ListenError extends Data.TaggedError("ListenError")<{
  readonly address: string
  readonly problem: string
}> {}

const respond = (status: number, body: string, contentType = "text/plain; charset=utf-8") =>
  HttpServerResponse.text(body, { status, contentType, headers: { "cache-control": "no-store" } })

const health = Effect.gen(function* () {
  const parts = [...(yield* (yield* Status).all)]
  const well = parts.every(([, part]) => part.well)
  const lines = parts.map(([name, part]) => `${part.well ? "ok" : "FAILED"} ${name}: ${part.words}\n`)
  return respond(well ? 200 : 503, `${well ? "ok" : "FAILED"}\n${lines.join("")}`)
})

const answer = Effect.fnUntraced(function* (refresh: Effect.Effect<void>) {
  const { method, url } = yield* HttpServerRequest
  if (method !== "GET" && method !== "HEAD") return respond(405, "only GET and HEAD\n")
  switch (url.replace(/[?#].*/, "")) {
    case "/metrics":
      yield* refresh
      return respond(200, yield* format(), "text/plain; version=0.0.4; charset=utf-8")
    case "/healthz":
      return yield* health
    default:
      return respond(404, "there are /healthz and /metrics\n")
  }
})

/** Answers until the scope ends; `refresh` sets what is looked at and not counted, before each look. Its end waits for nobody who keeps a connection open. */
export const serveHttp = Effect.fnUntraced(function* ({ host, port }: Address, refresh = Effect.void) {
  const server = yield* NodeHttpServer.make(createServer, { host, port, gracefulShutdownTimeout: 0 }).pipe(
    Effect.mapError(
      ({ cause }) =>
        new ListenError({ address: `${host}:${port}`, problem: cause instanceof Error ? cause.message : String(cause) })
    )
  )
  yield* server.serve(answer(refresh))
})
