/** What the gRPC server reads and writes in a socket's place. */
import type { Socket } from "node:net"
import { Duplex } from "node:stream"
import { flag, frameType, watchHeaders } from "./frames.ts"

export interface Heard {
  /** The server takes more than it has been given. */
  readonly wanted: () => void
  /** What it wrote is with the kernel, or lost. */
  readonly written: () => void
  /** It has ended a stream. */
  readonly ended: (stream: number) => void
}

/** What is pushed into it the server reads; what the server writes goes to the socket. */
export const makeInner = (socket: Socket, { wanted, written, ended }: Heard): Duplex => {
  const watch = watchHeaders(({ type, flags, stream }) => {
    const ends = (type === frameType.data || type === frameType.headers) && (flags & flag.endStream) !== 0
    if (ends || type === frameType.reset) ended(stream)
  })
  return new Duplex({
    read: wanted,
    write: (chunk: Buffer, _encoding, done) => {
      watch(chunk)
      socket.write(chunk, (error) => {
        done(error)
        written()
      })
    },
    final: (done) => {
      socket.end(() => done())
    },
    destroy: (error, done) => {
      socket.destroy()
      done(error)
    }
  })
}
