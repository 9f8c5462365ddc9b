/** Reading a file that somebody else may have put there: only a regular one, opened without waiting, up to a size. */
import { closeSync, constants, fstatSync, openSync, readSync, type Stats, statSync } from "node:fs"
import * as Result from "effect/Result"

const kindOf = (stats: Stats): string => {
  if (stats.isDirectory()) return "a folder"
  if (stats.isFIFO()) return "a FIFO"
  if (stats.isSocket()) return "a socket"
  return "a device"
}

/** `at most 4194304 bytes`; the same words for a file that says so at once and one that grows while it is read. */
const tooLarge = (limit: number): string => `has more than the ${limit} bytes that are read of such a file`

const problemOf = (stats: Stats, limit: number): string | undefined => {
  if (!stats.isFile()) return `is ${kindOf(stats)}, but must be a regular file`
  return stats.size > limit ? tooLarge(limit) : undefined
}

/**
 * The file's text (UTF-8); undefined where there is none; else in words why it is not read, to be put behind its path:
 * `is a FIFO, but must be a regular file`, `cannot be read: EACCES`. Symbolic links are followed. Never waits for another
 * process: O_NONBLOCK opens a FIFO without its writer, and what is no regular file is not opened at all, but for one that
 * is put there between the two looks. Holds `limit` bytes at most, whatever the file grows to.
 */
export const readBounded = (path: string, limit: number): Result.Result<string | undefined, string> => {
  try {
    const problem = problemOf(statSync(path), limit)
    if (problem !== undefined) return Result.fail(problem)
    const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY)
    try {
      return readOpen(fd, limit)
    } finally {
      closeSync(fd)
    }
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? String(error)
    return code === "ENOENT" || code === "ENOTDIR" ? Result.succeed(undefined) : Result.fail(`cannot be read: ${code}`)
  }
}

/** The text of an open file, with the same bounds and words. */
export const readOpen = (fd: number, limit: number): Result.Result<string, string> => {
  const stats = fstatSync(fd)
  const problem = problemOf(stats, limit)
  if (problem !== undefined) return Result.fail(problem)
  // One byte more than it has: a file that grew meanwhile shows, and one that did not ends in the same read.
  const chunks: Array<Buffer> = []
  for (let total = 0, room = stats.size + 1; total <= limit; room = 65_536) {
    const chunk = Buffer.allocUnsafe(Math.min(room, limit + 1 - total))
    const count = readSync(fd, chunk, 0, chunk.length, null)
    if (count === 0) return Result.succeed(Buffer.concat(chunks).toString("utf8"))
    chunks.push(chunk.subarray(0, count))
    total += count
  }
  return Result.fail(tooLarge(limit))
}
