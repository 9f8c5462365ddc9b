/** All connections to one endpoint's socket, and what they may have of the daemon together. */
import { createServer, type Server } from "node:net"
import type { Duplex } from "node:stream"
import { makeAllowance } from "./allowance.ts"
import { Passage } from "./Passage.ts"

/** A kubelet has one. */
const mostConnections = 4
/** Connections that are taken at once, and in a second after that; who comes then has to come again. */
const connectionsAtOnce = 8
const connectionsPerSecond = 2
/** Bytes of requests that are not answered yet, of all connections to all endpoints. */
const mostBytes = 3 * 1024 * 1024
const held = { bytes: 0 }

const mayHold = (bytes: number): boolean => {
  held.bytes += bytes
  return held.bytes <= mostBytes
}

export interface Gate {
  /** To be made to listen. */
  readonly server: Server
  /** Ends every connection that is left. */
  readonly clear: () => void
}

/**
 * Lets connections through to `inject`. Where there are too many, the oldest that has no call in progress makes room, since
 * who comes may be a new kubelet; the kubelet that is known always has one, its ListAndWatch.
 */
export const makeGate = (inject: (connection: Duplex) => void): Gate => {
  const passages = new Set<Passage>()
  const mayCome = makeAllowance(connectionsAtOnce, connectionsPerSecond, connectionsAtOnce)
  const server = createServer({ noDelay: true }, (socket) => {
    if (mayCome.left() < 1) {
      socket.destroy()
      return
    }
    mayCome.take()
    const idle = passages.size < mostConnections ? undefined : passages.values().find((passage) => !passage.busy)
    idle?.destroy()
    if (idle !== undefined) passages.delete(idle)
    if (passages.size >= mostConnections) {
      socket.destroy()
      return
    }
    const passage = new Passage(socket, inject, mayHold)
    passages.add(passage)
    socket.on("close", () => passages.delete(passage))
  })
  return {
    server,
    clear: () => {
      for (const passage of passages) passage.destroy()
    }
  }
}
