import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { countAllocations, countError, setDevices } from "../../src/device-plugin/observe/metrics.ts"
import { parseAddress } from "../../src/observe/address.ts"
import { serveHttp } from "../../src/observe/http.ts"
import { Status, statusLive } from "../../src/observe/Status.ts"

describe("an address to listen on", () => {
  it.each([
    ["127.0.0.1:9090", { host: "127.0.0.1", port: 9090 }],
    ["localhost:1", { host: "localhost", port: 1 }],
    ["[::1]:9090", { host: "::1", port: 9090 }],
    [":9090", { host: "127.0.0.1", port: 9090 }],
    ["0.0.0.0:9090", { host: "0.0.0.0", port: 9090 }],
    ["9090", undefined],
    ["::1:9090", undefined],
    ["host:70000", undefined],
    ["host:", undefined]
  ])("%s", (text, address) => assert.deepStrictEqual(parseAddress(text), address))
})

const port = 9811
/** An address of this process's own on the loopback link, which has 127/8: no other run listens there. */
const host = ["127", process.pid >>> 16, process.pid >>> 8, process.pid].map((part) => Number(part) & 255).join(".")
const get = (path: string, method = "GET") =>
  Effect.promise(async () => {
    const response = await fetch(`http://${host}:${port}${path}`, { method })
    return { code: response.status, type: response.headers.get("content-type"), body: await response.text() }
  })

it.live("the daemon tells how it is, and what it has counted", () =>
  Effect.gen(function* () {
    yield* serveHttp({ host, port })
    const status = yield* Status
    yield* status.set("links", { well: true, words: "3 links" })
    assert.deepStrictEqual(yield* get("/healthz"), {
      code: 200,
      type: "text/plain; charset=utf-8",
      body: "ok\nok links: 3 links\n"
    })
    yield* status.set("resources.json", { well: false, words: "ENOSPC" })
    const failed = yield* get("/healthz?verbose")
    assert.strictEqual(failed.code, 503)
    assert.strictEqual(failed.body, "FAILED\nok links: 3 links\nFAILED resources.json: ENOSPC\n")

    yield* countAllocations("a", 2)
    yield* countError("allocate")
    yield* setDevices("a", "healthy", 100)
    const metrics = yield* get("/metrics")
    assert.strictEqual(metrics.type, "text/plain; version=0.0.4; charset=utf-8")
    assert.include(
      metrics.body,
      '# TYPE macvtap_allocations_total counter\nmacvtap_allocations_total{resource="a"} 2\n'
    )
    assert.include(metrics.body, 'macvtap_errors_total{operation="allocate"} 1\n')
    assert.include(metrics.body, 'macvtap_devices{resource="a",state="healthy"} 100\n')

    assert.strictEqual((yield* get("/")).code, 404)
    assert.strictEqual((yield* get("/metrics", "POST")).code, 405)
    const taken = yield* Effect.flip(serveHttp({ host, port }))
    assert.match(taken.problem, /EADDRINUSE|in use/)
  }).pipe(Effect.provide(statusLive))
)
