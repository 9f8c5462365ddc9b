/**
 * The log of a daemon on a descriptor, written without ever waiting for whoever reads it: a pipe that nobody empties
 * (64 KiB) would stop the daemon at its next line, and every pod of the node with it.
 */
import { writeSync } from "node:fs"
import { takesMore } from "../system/libc.ts"

/** Bytes that a pipe or socket takes at once when poll(2) calls it writable: PIPE_BUF, pipe(7). */
const atOnce = 4096

/** Takes whole lines. Those for which there is no room are lost, and their number is told when there is room again. */
export const makeLogStream = (fd: number): ((line: string) => void) => {
  let lost = 0
  let broken = false
  const write = (text: string): boolean => {
    const bytes = Buffer.from(text)
    let at = 0
    try {
      while (at < bytes.length && takesMore(fd)) at += writeSync(fd, bytes, at, Math.min(atOnce, bytes.length - at))
    } catch {
      // A file's disk is full, or nobody is there to read any more.
    }
    broken ||= at > 0 && at < bytes.length
    return at === bytes.length
  }
  const makeUp = (): boolean => {
    if (lost === 0) return true
    const words = JSON.stringify({
      time: new Date().toISOString(),
      level: "warning",
      message: `${lost} lines of this log were lost: there was no room for them`
    })
    if (!write(`${broken ? "\n" : ""}${words}\n`)) return false
    lost = 0
    broken = false
    return true
  }
  return (line) => {
    if (!makeUp() || !write(line)) lost++
  }
}
