import { connect as connectHttp2 } from "node:http2"
import { connect } from "node:net"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { assert, describe, it } from "vitest"
import type { ListAndWatchResponse } from "../../../src/device-plugin/api/v1beta1.ts"
import { EndpointServer } from "../../../src/device-plugin/endpoint/EndpointServer.ts"
import { endpointServerLive } from "../../../src/device-plugin/endpoint/EndpointServerLive.ts"
import { preface } from "../../../src/device-plugin/gate/frames.ts"
import { makeFolder } from "../../lab/folder.ts"
import { until } from "../../lab/run.ts"
import { call, callBlock, entry, frame, indexed, literal, rawClient, settings } from "./rawClient.ts"

const answers = {
  options: { preStartRequired: true, getPreferredAllocationAvailable: true },
  devices: Stream.concat(Stream.make<[ListAndWatchResponse]>({ devices: [] }), Stream.never),
  allocate: () => Effect.succeed({ containerResponses: [] }),
  prefer: () => Effect.succeed({ containerResponses: [] }),
  preStart: () => Effect.never
}

/** An endpoint's socket. */
const serve = async () => {
  const folder = await makeFolder("gate")
  const path = `${folder.path}/a.sock`
  const scope = await Effect.runPromise(Scope.make())
  const served = await Effect.runPromise(
    Effect.flatMap(EndpointServer, (server) => server.serve(folder.path, ["a.sock"], answers)).pipe(
      Effect.provide(endpointServerLive),
      Scope.provide(scope)
    )
  )
  return {
    path,
    served,
    [Symbol.asyncDispose]: async () => {
      await Effect.runPromise(Scope.close(scope, Exit.void))
      await folder[Symbol.asyncDispose]()
    }
  }
}

const options = (...authority: ReadonlyArray<Buffer>) => callBlock("GetDevicePluginOptions", ...authority)
const begin = Buffer.concat([preface, settings])
/** What a stream that was answered saw. */
const answered = ["HEADERS", "DATA", "END"]

const ask = async (path: string, ...calls: ReadonlyArray<Buffer>) => {
  const client = rawClient(path, Buffer.concat([begin, ...calls]))
  const seen = (stream: number) => client.frames.filter((each) => each.stream === stream).map(({ what }) => what)
  await until(
    "answers",
    () => seen(2 * calls.length - 1).some((what) => what === "END" || what.startsWith("RESET")),
    2000
  )
  client.socket.destroy()
  return calls.map((_, n) => seen(2 * n + 1))
}

describe("a call's authority", () => {
  it.each([
    ["as it should be", [literal(":authority", "localhost")]],
    ["missing", []],
    ["empty", [literal(":authority", "")]],
    ["empty, by the static table", [indexed(1)]],
    [
      "the socket's path, as Go's gRPC sends it for kubelets before 1.26",
      [entry(1, "/var/lib/kubelet/device-plugins/macvtap-a.sock")]
    ],
    ["under a name in Huffman's code", [Buffer.from("0088b83b5339ec327d7f012f", "hex")]]
  ])("%s", async (_, authority) => {
    await using endpoint = await serve()
    assert.deepStrictEqual(await ask(endpoint.path, call(1, options(...authority))), [answered])
  })

  it("stays the same in every later call of a connection, which names it by the dynamic table", async () => {
    await using endpoint = await serve()
    const calls = [
      call(1, options(entry(1, "/var/lib/kubelet/device-plugins/macvtap-a.sock"))),
      call(3, options(indexed(62), entry(58, "another"))),
      call(5, options(indexed(63))),
      // The path again as a value of that entry's name, and a smaller table before it all.
      call(7, Buffer.concat([Buffer.from([0x3f, 0xe1, 0x1f]), options(Buffer.from("7f000161", "hex"))])),
      call(9, Buffer.concat([Buffer.from([0x3f, 0xe1, 0x1f]), options()]))
    ]
    assert.deepStrictEqual(
      await ask(endpoint.path, ...calls),
      calls.map(() => answered)
    )
  })

  it("is found in a block of many frames, with padding and a priority", async () => {
    await using endpoint = await serve()
    const block = options()
    const padded = Buffer.concat([Buffer.from([3, 0, 0, 0, 0, 9]), block.subarray(0, 20), Buffer.alloc(3)])
    const parts = Buffer.concat([
      frame(1, 0x8 | 0x20, 1, padded),
      frame(9, 0, 1, block.subarray(20, 50)),
      frame(9, 0x4, 1, block.subarray(50)),
      call(1, Buffer.alloc(0)).subarray(9)
    ])
    assert.deepStrictEqual(await ask(endpoint.path, parts), [answered])
  })

  it("is no matter for a client of a library", async () => {
    await using endpoint = await serve()
    const session = connectHttp2("http://localhost", { createConnection: () => connect(endpoint.path) })
    const stream = session.request({
      ":method": "POST",
      ":path": "/v1beta1.DevicePlugin/GetDevicePluginOptions",
      "content-type": "application/grpc"
    })
    stream.end(Buffer.alloc(5))
    const trailers = await new Promise<Record<string, unknown>>((resolve) => {
      stream.on("trailers", resolve)
      stream.resume()
    })
    assert.strictEqual(trailers["grpc-status"], "0")
    session.destroy()
  })
})

describe("a connection that goes beyond a bound is closed:", () => {
  const many = (count: number, each: (n: number) => Buffer) =>
    Buffer.concat(Array.from({ length: count }, (_, n) => each(n)))
  it.each([
    ["another protocol", Buffer.from("GET / HTTP/1.1\r\n\r\n")],
    ["a frame of 16 KiB and a byte", Buffer.concat([begin, frame(0, 0, 1, Buffer.alloc(16_385))])],
    [
      "a header block of more than 16 KiB",
      Buffer.concat([begin, frame(1, 0, 1, options()), many(2, () => frame(9, 0, 1, Buffer.alloc(16_000)))])
    ],
    [
      "a header block of more than 64 fields",
      Buffer.concat([
        begin,
        call(
          1,
          many(65, () => literal("a", "b"))
        )
      ])
    ],
    ["a header block that makes no sense", Buffer.concat([begin, frame(1, 4, 1, Buffer.from([0x40]))])],
    ["a header block that another frame interrupts", Buffer.concat([begin, frame(1, 0, 1, options()), settings])],
    [
      "more than 1 MiB of requests that are in progress",
      Buffer.concat([
        begin,
        many(70, (n) =>
          Buffer.concat([frame(1, 4, 2 * n + 1, callBlock("Allocate")), frame(0, 0, 2 * n + 1, Buffer.alloc(16_000))])
        )
      ])
    ]
  ])("%s", async (_, bytes) => {
    await using endpoint = await serve()
    const closed = rawClient(endpoint.path, bytes).closed.then(() => true)
    assert.isTrue(await Promise.race([closed, new Promise<boolean>((resolve) => setTimeout(resolve, 2000, false))]))
    assert.deepStrictEqual(await ask(endpoint.path, call(1, options())), [answered])
  })
})

describe("many connections", () => {
  it("make room for a new one, but those with a call in progress stay", async () => {
    await using endpoint = await serve()
    const watching = rawClient(endpoint.path, Buffer.concat([begin, call(1, callBlock("ListAndWatch"))]))
    await until("a list", () => watching.frames.some(({ what }) => what === "DATA"))
    const ended = { watching: false, idle: 0 }
    watching.closed.then(() => {
      ended.watching = true
    })
    const idle = Array.from({ length: 6 }, () => rawClient(endpoint.path, begin))
    for (const client of idle) client.closed.then(() => ended.idle++)
    await until("room", () => ended.idle >= 3)
    assert.deepStrictEqual(await ask(endpoint.path, call(1, options())), [answered])
    assert.isFalse(ended.watching)
    assert.strictEqual(await Effect.runPromise(endpoint.served.streams), 1)
    for (const client of [watching, ...idle]) client.socket.destroy()
  })

  it("are refused when they come too fast, not the ones that are there", async () => {
    await using endpoint = await serve()
    const watching = rawClient(endpoint.path, Buffer.concat([begin, call(1, callBlock("ListAndWatch"))]))
    await until("a list", () => watching.frames.some(({ what }) => what === "DATA"))
    await Promise.all(
      Array.from({ length: 200 }, () => rawClient(endpoint.path, begin))
        .slice(40)
        .map(({ closed }) => closed)
    )
    watching.socket.write(call(3, options()))
    await until("an answer", () => watching.frames.some(({ stream, what }) => stream === 3 && what === "END"), 1000)
    watching.socket.destroy()
  })

  it("have 32 calls in progress each", async () => {
    await using endpoint = await serve()
    const calls = Array.from({ length: 40 }, (_, n) => call(2 * n + 1, callBlock("PreStartContainer")))
    const client = rawClient(endpoint.path, Buffer.concat([begin, ...calls]))
    await until("refusals", () => client.frames.filter(({ what }) => what === "RESET 7").length === 8)
    client.socket.destroy()
  })

  it("have 3 streams of devices at most, and no one's is taken by another", async () => {
    await using endpoint = await serve()
    const clients = Array.from({ length: 4 }, () =>
      rawClient(endpoint.path, Buffer.concat([begin, call(1, callBlock("ListAndWatch"))]))
    )
    await until(
      "a refusal",
      () => clients.filter(({ frames }) => frames.some(({ what }) => what === "END")).length === 1
    )
    assert.strictEqual(await Effect.runPromise(endpoint.served.streams), 3)
    for (const client of clients) client.socket.destroy()
    await until("the streams' end", () => Effect.runSync(endpoint.served.streams) === 0)
  })
})
