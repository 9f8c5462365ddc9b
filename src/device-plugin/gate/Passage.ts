/**
 * One connection on its way to the gRPC server: what it may send, and how much of it at once, is bounded here, where
 * nothing is held yet; and requests get an authority. Whoever goes beyond a bound loses the connection, for none of them is
 * near what a kubelet does.
 */
import type { Socket } from "node:net"
import type { Duplex } from "node:stream"
import { makeAllowance } from "./allowance.ts"
import { type Table, withAuthority } from "./authority.ts"
import {
  type Frame,
  flag,
  fragmentOf,
  frameType,
  headersFrame,
  longestPayload,
  preface,
  readFrame,
  readHeader
} from "./frames.ts"
import { makeInner } from "./inner.ts"
import { type InProgress, makeInProgress } from "./inProgress.ts"

/** Bytes of answers that wait for a reader; beyond, nothing is read from it either. */
const mostWaiting = 256 * 1024
/** Frames in one turn, so that a flood on one connection delays the others by milliseconds. */
const framesPerTurn = 32
/**
 * Frames that a connection may send at its beginning, in a second, and at once after a rest. A call of the kubelet's takes
 * about six, and three calls come with a pod.
 */
const firstFrames = 192
const framesPerSecond = 128
const mostFrames = 4096
/** Milliseconds without a byte, for a connection that has not said yet what it is, or does not read its answers. */
const patience = 5000

export class Passage {
  readonly #socket: Socket
  readonly #inject: (connection: Duplex) => void
  readonly #calls: InProgress
  #connection: Duplex | undefined
  #rest: Buffer = Buffer.alloc(0)
  #table: Table = []
  #lastStream = 0
  /** A header block of which not all frames have come. */
  #block: { readonly first: Frame; readonly isRequest: boolean; readonly bytes: Buffer } | undefined
  #wanted = true
  #pumping = false
  readonly #frames = makeAllowance(firstFrames, framesPerSecond, mostFrames)

  /** `mayHold` is told of bytes that come (or go, if negative) and answers whether all connections together may. */
  constructor(socket: Socket, inject: (connection: Duplex) => void, mayHold: (bytes: number) => boolean) {
    this.#socket = socket
    this.#inject = inject
    this.#calls = makeInProgress(mayHold)
    socket.setTimeout(patience, () => this.#stalled())
    socket.on("data", (chunk: Buffer) => {
      this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
      this.#pump()
    })
    socket.on("end", () => this.#connection?.push(null))
    socket.on("error", () => this.destroy())
    socket.on("close", () => this.destroy())
  }

  /** Whether calls are in progress. */
  get busy(): boolean {
    return this.#calls.any()
  }

  destroy(): void {
    this.#socket.destroy()
    this.#connection?.destroy()
    this.#calls.endAll()
  }

  #stalled(): void {
    if (this.#connection === undefined || this.#waiting > 0 || this.#rest.length > 0) this.destroy()
  }

  /** Bytes that were written and not yet read by the client. */
  get #waiting(): number {
    return this.#socket.writableLength + (this.#connection?.writableLength ?? 0)
  }

  /** Passes on what has come, as far as it is whole, wanted, and this connection's turn. */
  #pump(): void {
    if (this.#pumping) return
    for (let n = 0; n < framesPerTurn && this.#frames.left() >= 1; n++) {
      if (this.#socket.destroyed) return
      if (!this.#wanted || this.#waiting > mostWaiting) {
        this.#socket.pause()
        return
      }
      const bytes = this.#take()
      if (bytes === undefined) {
        this.#socket.resume()
        return
      }
      this.#frames.take()
      if (bytes.length > 0) this.#wanted = this.#connection?.push(bytes) === true
    }
    this.#yield()
  }

  /** Goes on when others had their turn, and when the connection may say something again. */
  #yield(): void {
    this.#pumping = true
    this.#socket.pause()
    const goOn = (): void => {
      this.#pumping = false
      this.#pump()
    }
    if (this.#frames.left() >= 1) setImmediate(goOn)
    else setTimeout(goOn, (framesPerTurn / framesPerSecond) * 1000)
  }

  /** What of the next frame is to be passed on; undefined where it is not there whole, or goes beyond a bound. */
  #take(): Buffer | undefined {
    if (this.#connection === undefined) return this.#begin()
    if ((readHeader(this.#rest)?.length ?? 0) > longestPayload) return this.#refuse()
    const frame = readFrame(this.#rest)
    if (frame === undefined) return undefined
    this.#rest = this.#rest.subarray(frame.bytes.length)
    if (this.#block !== undefined) return frame.type === frameType.continuation ? this.#gather(frame) : this.#refuse()
    switch (frame.type) {
      case frameType.headers:
        return this.#gather(frame)
      case frameType.continuation:
        return this.#refuse()
      case frameType.data:
        return this.#calls.hold(frame.stream, frame.length) ? frame.bytes : this.#refuse()
      case frameType.reset:
        this.#calls.end(frame.stream)
        return frame.bytes
      default:
        return frame.bytes
    }
  }

  #refuse(): undefined {
    this.destroy()
    return undefined
  }

  #begin(): Buffer | undefined {
    const start = this.#rest.subarray(0, preface.length)
    if (!start.equals(preface.subarray(0, start.length))) return this.#refuse()
    if (start.length < preface.length) return undefined
    this.#rest = this.#rest.subarray(preface.length)
    this.#connection = this.#connect()
    this.#inject(this.#connection)
    return preface
  }

  #gather(frame: Frame): Buffer | undefined {
    const fragment = fragmentOf(frame)
    const { first, isRequest, bytes } = this.#block ?? {
      first: frame,
      isRequest: frame.stream > this.#lastStream,
      bytes: Buffer.alloc(0)
    }
    const block = fragment && Buffer.concat([bytes, fragment])
    if (block === undefined || block.length > longestPayload || frame.stream !== first.stream) return this.#refuse()
    if ((frame.flags & flag.endHeaders) === 0) {
      this.#block = { first, isRequest, bytes: block }
      return Buffer.alloc(0)
    }
    this.#block = undefined
    const mended = withAuthority(block, this.#table, isRequest)
    if (mended === undefined || mended.bytes.length > longestPayload) return this.#refuse()
    this.#table = mended.table
    if (isRequest) {
      this.#lastStream = first.stream
      if (!this.#calls.begin(first.stream)) return this.#refuse()
    }
    return headersFrame(first.stream, (first.flags & flag.endStream) !== 0, mended.bytes)
  }

  #connect(): Duplex {
    return makeInner(this.#socket, {
      wanted: () => {
        this.#wanted = true
        this.#pump()
      },
      written: () => this.#pump(),
      ended: this.#calls.end
    })
  }
}
