/** Texts as files without a path (memfd_create(2)): a child's stdin, and long texts between a client and the agent. */
import { closeSync, fstatSync, readSync, writeSync } from "node:fs"
import { SystemError } from "../system/errno.ts"
import { memfdCreate } from "../system/libc.ts"

/** A descriptor of a file that holds the text, to be read from its start. */
export const fileOf = (text: string): number => {
  const fd = memfdCreate("text")
  try {
    const bytes = Buffer.from(text)
    for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at, bytes.length - at, at)
    return fd
  } catch (thrown) {
    closeSync(fd)
    throw thrown
  }
}

/** All that such a file holds now; EFBIG where that is more than `limit` bytes, EINVAL where it is no regular file. */
export const readMemoryFile = (fd: number, limit: number): Buffer => {
  const stats = fstatSync(fd)
  if (!stats.isFile()) throw new SystemError("read", "EINVAL")
  if (stats.size > limit) throw new SystemError("read", "EFBIG")
  const bytes = Buffer.allocUnsafe(stats.size)
  let size = 0
  while (size < bytes.length) {
    const read = readSync(fd, bytes, size, bytes.length - size, size)
    if (read === 0) break
    size += read
  }
  return bytes.subarray(0, size)
}
