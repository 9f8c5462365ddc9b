/** Calls of one connection that are in progress, by their streams, and what of their requests is held meanwhile. */

/** Streams of a connection that are open at once, where the server has not refused more by itself. */
const mostStreams = 64
/** Bytes of requests that are not answered yet. */
const mostBytes = 1024 * 1024

export interface InProgress {
  readonly any: () => boolean
  /** A call begins; false where there are too many. */
  readonly begin: (stream: number) => boolean
  /** So many bytes came with it; false where they are too many. Of a call that has ended nothing is held. */
  readonly hold: (stream: number, bytes: number) => boolean
  readonly end: (stream: number) => void
  readonly endAll: () => void
}

/** `mayHold` is told of bytes that come (or go, if negative) and answers whether all connections together may. */
export const makeInProgress = (mayHold: (bytes: number) => boolean): InProgress => {
  const open = new Map<number, number>()
  const end = (stream: number): void => {
    mayHold(-(open.get(stream) ?? 0))
    open.delete(stream)
  }
  return {
    any: () => open.size > 0,
    begin: (stream) => {
      open.set(stream, 0)
      return open.size <= mostStreams
    },
    hold: (stream, bytes) => {
      const held = open.get(stream)
      if (held === undefined) return true
      open.set(stream, held + bytes)
      return mayHold(bytes) && open.values().reduce((sum, some) => sum + some, 0) <= mostBytes
    },
    end,
    endAll: () => {
      for (const stream of [...open.keys()]) end(stream)
    }
  }
}
