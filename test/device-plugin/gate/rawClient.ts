/** A client of HTTP/2 that says what it is told to: frames by hand, as no library would send them. */
import { connect, type Socket } from "node:net"
import { headersFrame, readFrame } from "../../../src/device-plugin/gate/frames.ts"

export const frame = (type: number, flags: number, stream: number, payload: Uint8Array = Buffer.alloc(0)): Buffer => {
  const header = Buffer.alloc(9)
  header.writeUIntBE(payload.length, 0, 3)
  header[3] = type
  header[4] = flags
  header.writeUInt32BE(stream, 5)
  return Buffer.concat([header, payload])
}

const text = (value: string): Buffer => Buffer.concat([Buffer.from([value.length]), Buffer.from(value)])

/** A literal field, never in a table. */
export const literal = (name: string, value: string): Buffer =>
  Buffer.concat([Buffer.from([0]), text(name), text(value)])

/** A literal field that becomes the newest entry of the dynamic table; the name is an entry of the static one. */
export const entry = (name: number, value: string): Buffer => Buffer.concat([Buffer.from([0x40 | name]), text(value)])

/** An entry of the static table, or from 62 on of the dynamic one. */
export const indexed = (index: number): Buffer => Buffer.from([0x80 | index])

/** A call's header block, with these fields in the authority's place. */
export const callBlock = (method: string, ...authority: ReadonlyArray<Buffer>): Buffer =>
  Buffer.concat([
    literal(":method", "POST"),
    literal(":scheme", "http"),
    literal(":path", `/v1beta1.DevicePlugin/${method}`),
    ...authority,
    literal("content-type", "application/grpc"),
    literal("te", "trailers")
  ])

/** A gRPC message in a DATA frame that ends its stream. */
export const message = (stream: number, bytes: Uint8Array = Buffer.alloc(0)): Buffer => {
  const prefix = Buffer.alloc(5)
  prefix.writeUInt32BE(bytes.length, 1)
  return frame(0, 1, stream, Buffer.concat([prefix, bytes]))
}

export const call = (stream: number, block: Buffer, bytes?: Uint8Array): Buffer =>
  Buffer.concat([headersFrame(stream, false, block), message(stream, bytes)])

export const settings = frame(4, 0, 0)

export interface RawClient {
  readonly socket: Socket
  /** Frames that came, by their stream: `DATA`, `RESET 1`, `END` for headers that end it. */
  readonly frames: ReadonlyArray<{ readonly stream: number; readonly what: string }>
  readonly closed: Promise<void>
}

const nameOf = (type: number, flags: number, payload: Buffer): string => {
  if (type === 0) return "DATA"
  if (type === 3) return `RESET ${payload.readUInt32BE(0)}`
  if (type === 1) return (flags & 1) === 1 ? "END" : "HEADERS"
  return `type ${type}`
}

/** Connects, and sends. */
export const rawClient = (path: string, bytes: Uint8Array): RawClient => {
  const socket = connect(path)
  const frames: Array<{ stream: number; what: string }> = []
  const closed = new Promise<void>((resolve) => socket.on("close", () => resolve()))
  socket.on("error", () => undefined)
  const rest = { bytes: Buffer.alloc(0) as Buffer }
  socket.on("data", (chunk: Buffer) => {
    rest.bytes = Buffer.concat([rest.bytes, chunk])
    for (let next = readFrame(rest.bytes); next !== undefined; next = readFrame(rest.bytes)) {
      rest.bytes = rest.bytes.subarray(next.bytes.length)
      frames.push({ stream: next.stream, what: nameOf(next.type, next.flags, next.bytes.subarray(9)) })
    }
  })
  socket.write(bytes)
  return { socket, frames, closed }
}
