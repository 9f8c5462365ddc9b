/** The three streams of a process, read and written synchronously: a call has nothing else to do meanwhile. */
import * as fs from "node:fs"
import { isCloseOnExec } from "../system/libc.ts"

/** Tries again where a pipe that does not block has nothing, or takes nothing, for now (EAGAIN). */
const whenReady = (step: () => number): number => {
  for (;;) {
    try {
      return step()
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1)
    }
  }
}

/**
 * Whether the caller gave no such descriptor at all (`>&-`). Bun opens /dev/null in its place, close-on-exec, so that
 * writing succeeds and says nothing; a descriptor that a caller gave has lived through exec(2) and cannot be that. Node
 * does likewise but makes all of them close-on-exec: there it cannot be told.
 */
export const isAbsent = (fd: number): boolean => {
  try {
    return isCloseOnExec(fd)
  } catch {
    return false
  }
}

/** Writes all of it, in as many writes as it takes. Throws what node:fs throws. */
export const writeAll = (fd: number, text: string): void => {
  const bytes = new TextEncoder().encode(text)
  for (let written = 0; written < bytes.length; ) written += whenReady(() => fs.writeSync(fd, bytes, written))
}

/** Bytes: what the configuration's reader refuses anyway. A caller that never ends must not fill the node's memory. */
export const longestInput = 1024 * 1024

/**
 * All of stdin, at most 1 MiB. A byte order mark is a character, which JSON has no place for. Throws what node:fs throws.
 */
export const readInput = (): string => {
  let bytes = new Uint8Array(65536)
  let size = 0
  for (;;) {
    const read = whenReady(() => fs.readSync(0, bytes, size, bytes.length - size, null))
    if (read === 0) return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes.subarray(0, size))
    size += read
    if (size > longestInput) throw new Error(`longer than ${longestInput} bytes`)
    if (size === bytes.length) {
      const larger = new Uint8Array(2 * size)
      larger.set(bytes)
      bytes = larger
    }
  }
}
