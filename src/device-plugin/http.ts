/** `/healthz` and `/metrics`, for a probe and for Prometheus, on an address that somebody asked for. */
import { createServer, type RequestListener } from "node:http"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import { formatUnsafe } from "effect/observability/PrometheusMetrics"
import { Status } from "./Status.ts"

export interface Address {
  readonly host: string
  readonly port: number
}

export class ListenError extends Data.TaggedError("ListenError")<{
  readonly address: string
  readonly problem: string
}> {}

/** `127.0.0.1:9090`, `[::1]:9090`; `:9090` is the loopback's, not everybody's: the answer is for this machine. */
export const parseAddress = (text: string): Address | undefined => {
  const [, bracketed, plain, port] = /^(?:\[([0-9a-fA-F:.]+)\]|([^[\]:]*)):(\d{1,5})$/.exec(text) ?? []
  if (port === undefined || Number(port) > 65535) return undefined
  return { host: bracketed ?? (plain || "127.0.0.1"), port: Number(port) }
}

const types = { text: "text/plain; charset=utf-8", metrics: "text/plain; version=0.0.4; charset=utf-8" }

/** Answers until the scope ends. */
export const serveHttp = Effect.fnUntraced(function* ({ host, port }: Address) {
  const context = yield* Effect.context<never>()
  const status = yield* Status
  const answer: RequestListener = (request, response) => {
    const path = (request.url ?? "/").replace(/[?#].*/, "")
    const send = (code: number, type: string, body: string) =>
      response.writeHead(code, { "content-type": type, "cache-control": "no-store" }).end(body)
    if (request.method !== "GET" && request.method !== "HEAD") send(405, types.text, "only GET and HEAD\n")
    else if (path === "/metrics") send(200, types.metrics, formatUnsafe(context))
    else if (path === "/healthz") {
      const parts = [...Effect.runSync(status.all)]
      const well = parts.every(([, part]) => part.well)
      const lines = parts.map(([name, part]) => `${part.well ? "ok" : "FAILED"} ${name}: ${part.words}\n`)
      send(well ? 200 : 503, types.text, `${well ? "ok" : "FAILED"}\n${lines.join("")}`)
    } else send(404, types.text, "there are /healthz and /metrics\n")
  }
  yield* Effect.acquireRelease(
    Effect.callback<ReturnType<typeof createServer>, ListenError>((resume) => {
      const server = createServer(answer)
      server.on("error", (error) =>
        resume(Effect.fail(new ListenError({ address: `${host}:${port}`, problem: error.message })))
      )
      server.listen(port, host, () => resume(Effect.succeed(server)))
    }),
    (server) =>
      Effect.sync(() => {
        server.close()
        server.closeAllConnections()
      })
  )
})
