/** What a child says: the reading end of a pipe, looked into without waiting. */
import { closeSync, readSync } from "node:fs"
import { errnoOf } from "../system/errno.ts"
import { pipe } from "../system/libc.ts"

export interface Output {
  /** The end that the child writes to. */
  readonly end: number
  /** Closes our descriptor of the child's end; the pipe then ends when the last child closes it. */
  readonly closeEnd: () => void
  /** Takes what is there; whether there was anything. Over the limit it is counted, but not kept. */
  readonly drain: () => boolean
  /** Bytes that came. */
  readonly size: number
  /** Nobody can write to it any more, and everything has been taken. */
  readonly done: boolean
  /** What came, as UTF-8, up to the limit. */
  readonly text: () => string
  readonly close: () => void
}

/** Bytes taken in one look, so that a child that never stops talking does not keep us from everything else. */
const maxLook = 1024 * 1024

const buffer = Buffer.allocUnsafe(65536)

/** A new pipe of which `limit` bytes are kept. */
export const makeOutput = (limit: number): Output => {
  const [fd, end] = pipe()
  const chunks: Array<Buffer> = []
  let open: ReadonlyArray<number> = [fd, end]
  let size = 0
  let done = false
  const close = (which: number): void => {
    if (open.includes(which)) closeSync(which)
    open = open.filter((one) => one !== which)
  }
  /** Bytes read into the buffer; 0 where there are none now. */
  const read = (): number => {
    try {
      const length = readSync(fd, buffer)
      done = length === 0
      return length
    } catch (thrown) {
      if (errnoOf(thrown) !== "EAGAIN") throw thrown
      return 0
    }
  }
  return {
    end,
    closeEnd: () => close(end),
    drain: () => {
      const before = size
      while (!done && size - before < maxLook) {
        const length = read()
        if (length === 0) break
        if (size < limit) chunks.push(Buffer.from(buffer.subarray(0, Math.min(length, limit - size))))
        size += length
      }
      return size > before
    },
    get size() {
      return size
    },
    get done() {
      return done
    },
    text: () => Buffer.concat(chunks).toString("utf8"),
    close: () => {
      close(fd)
      close(end)
    }
  }
}
