/** Floods an endpoint's socket for some seconds, as a program of its own: `flood.ts KIND SOCKET SECONDS`. */
import { connect, type Socket } from "node:net"
import { fileURLToPath } from "node:url"
import { headersFrame, preface } from "../../../src/device-plugin/gate/frames.ts"
import { allocate, prefer } from "./floodMessages.ts"
import { call, callBlock, frame, literal, settings } from "./rawClient.ts"

const authority = literal(":authority", "localhost")
const begin = Buffer.concat([preface, settings])
const block = (method: string) => callBlock(method, authority)
const many = (count: number, each: (n: number) => Buffer): Buffer =>
  Buffer.concat(Array.from({ length: count }, (_, n) => each(n)))
/** 200 calls of it, one after another, from the stream on. */
const calls = (method: string, bytes: Uint8Array) => (first: number) =>
  many(200, (n) => call(first + 2 * n, block(method), bytes))

interface Flood {
  readonly connections: number
  /** What a connection says, from the stream on; undefined where it just stays. */
  readonly says?: (firstStream: number) => Buffer
  readonly reads?: boolean
}

const floods: Readonly<Record<string, Flood>> = {
  "connections that say nothing": { connections: 2000 },
  "connections that begin": { connections: 2000, says: (first) => (first === 1 ? begin : Buffer.alloc(0)) },
  "Allocate calls": { connections: 16, says: calls("Allocate", allocate("dataplaneMvp0")), reads: true },
  "Allocate calls whose answers nobody reads": { connections: 32, says: calls("Allocate", allocate("dataplaneMvp0")) },
  "GetPreferredAllocation of all devices": {
    connections: 16,
    says: calls("GetPreferredAllocation", prefer(4096)),
    reads: true
  },
  "GetPreferredAllocation whose answers nobody reads": {
    connections: 32,
    says: calls("GetPreferredAllocation", prefer(4096))
  },
  "Allocate of 190,000 containers": {
    connections: 8,
    says: calls("Allocate", Buffer.from("0a00".repeat(190_000), "hex")),
    reads: true
  },
  "requests that never end": {
    connections: 32,
    says: (first) =>
      Buffer.concat([
        many(32, (n) => headersFrame(first + 2 * n, false, block("Allocate"))),
        many(32, (n) =>
          frame(0, 0, first + 2 * n, Buffer.concat([Buffer.from("00000b0000", "hex"), Buffer.alloc(1000)]))
        )
      ])
  },
  "ListAndWatch streams that nobody reads": { connections: 64, says: (first) => call(first, block("ListAndWatch")) },
  "calls that are cancelled at once": {
    connections: 16,
    says: (first) =>
      many(200, (n) =>
        Buffer.concat([
          call(first + 2 * n, block("ListAndWatch")),
          frame(3, 0, first + 2 * n, Buffer.from([0, 0, 0, 8]))
        ])
      ),
    reads: true
  },
  "pings whose answers nobody reads": {
    connections: 32,
    says: () => many(2000, () => frame(6, 0, 0, Buffer.alloc(8)))
  },
  "settings whose answers nobody reads": { connections: 32, says: () => many(2000, () => settings) },
  "header fields of 4 KiB by their index": {
    connections: 16,
    says: (first) => {
      const large = Buffer.concat([Buffer.from([0x40, 1, 0x61, 0x7f, 0x81, 0x1f]), Buffer.alloc(4000, 0x62)])
      return many(50, (n) => call(first + 2 * n, Buffer.concat([block("Allocate"), large, Buffer.alloc(50, 0xbe)])))
    },
    reads: true
  }
}

const flood = ({ connections, says, reads = false }: Flood, path: string, end: number): void => {
  const open = (): void => {
    if (Date.now() > end) return
    const socket = connect(path)
    const again = (): void => {
      socket.destroy()
      setTimeout(open, 1)
    }
    socket.on("error", () => undefined)
    socket.on("close", again)
    if (reads) socket.resume()
    else socket.pause()
    if (says === undefined) return
    socket.write(begin)
    say(socket, says, 1, end)
  }
  for (let n = 0; n < connections; n++) open()
}

const say = (socket: Socket, says: (firstStream: number) => Buffer, first: number, end: number): void => {
  if (Date.now() > end || socket.destroyed) return
  const next = (): void => say(socket, says, first + 400, end)
  if (socket.write(says(first))) setTimeout(next, 1)
  else socket.once("drain", next)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [kind = "", path = "", seconds = "1"] = process.argv.slice(2)
  const chosen = floods[kind]
  if (chosen === undefined) throw new Error(`no flood of ${kind}`)
  flood(chosen, path, Date.now() + Number(seconds) * 1000)
  setTimeout(() => process.exit(0), Number(seconds) * 1000 + 200)
}
