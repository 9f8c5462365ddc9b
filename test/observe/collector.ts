/** A collector of OTLP over HTTP, in JSON: what a test sends to, and reads. */
import { createServer, type IncomingMessage, type Server } from "node:http"
import type { AddressInfo } from "node:net"

export interface CollectedSpan {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId: string | undefined
  readonly name: string
  readonly kind: number
  readonly attributes: Readonly<Record<string, unknown>>
  readonly status: { readonly code: number }
}

export interface Collector extends AsyncDisposable {
  readonly url: string
  readonly spans: ReadonlyArray<CollectedSpan>
  /** Content types and paths of what came, and the resource's attributes. */
  readonly requests: ReadonlyArray<{ readonly path: string; readonly type: string; readonly body: Buffer }>
  readonly resource: Readonly<Record<string, unknown>>
}

interface Attribute {
  readonly key: string
  readonly value: Readonly<Record<string, unknown>>
}

const plain = (attributes: ReadonlyArray<Attribute>): Readonly<Record<string, unknown>> =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]))

const bodyOf = async (request: IncomingMessage): Promise<Buffer> => {
  const parts: Array<Buffer> = []
  for await (const part of request) parts.push(part as Buffer)
  return Buffer.concat(parts)
}

/** `answer` decides the status; it may take its time, or never answer (undefined). */
export const makeCollector = async (
  answer: () => Promise<number | undefined> = async () => 200
): Promise<Collector> => {
  const spans: Array<CollectedSpan> = []
  const requests: Array<Collector["requests"][number]> = []
  let resource: Readonly<Record<string, unknown>> = {}
  const server: Server = createServer((request, response) => {
    void bodyOf(request).then(async (body) => {
      const type = request.headers["content-type"] ?? ""
      requests.push({ path: request.url ?? "", type, body })
      if (type.includes("json")) {
        for (const { resource: of, scopeSpans } of JSON.parse(body.toString()).resourceSpans) {
          resource = plain(of.attributes)
          for (const scope of scopeSpans) {
            for (const span of scope.spans) spans.push({ ...span, attributes: plain(span.attributes ?? []) })
          }
        }
      }
      const status = await answer()
      if (status === undefined) return
      response.writeHead(status, { "content-type": "application/json" }).end("{}")
    })
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    requests,
    get resource() {
      return resource
    },
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      })
  }
}
