/**
 * The file that `logFile` names. The name comes from a configuration that not only the administrator writes, and this
 * process is root: so it must look like a log, and be one of ours or new, before a byte is written to it.
 */
import { closeSync, constants, fstatSync, readSync, statSync, writeSync } from "node:fs"
import { errnoOf } from "../system/errno.ts"
import type { Root } from "../system/root.ts"

/** The first line of every log file of ours; nothing else is appended to. */
export const logHeader = "# macvtap-cni log\n"

/** A descriptor to append to, or in words why not. */
export const openLogFile = (path: string, root: Root): { readonly fd: number } | { readonly fault: string } => {
  const wrong = pathFault(path)
  if (wrong !== undefined) return { fault: wrong }
  let fd: number | undefined
  try {
    const { O_APPEND, O_CREAT, O_NOCTTY, O_NONBLOCK, O_RDWR } = constants
    fd = root.straight(path, O_RDWR | O_APPEND | O_CREAT | O_NOCTTY | O_NONBLOCK, 0o600)
    if (fd === undefined) return { fault: "ENOENT" }
    const fault = fileFault(fd)
    if (fault === undefined) return { fd }
    closeSync(fd)
    return { fault }
  } catch (thrown) {
    if (fd !== undefined) closeSync(fd)
    const errno = errnoOf(thrown)
    const isLink = errno === "ELOOP" || errno === "ENOTDIR"
    return { fault: isLink ? `a part of it is a symbolic link, or no folder (${errno})` : (errno ?? String(thrown)) }
  }
}

/** What is wrong with the path, or undefined. */
const pathFault = (path: string): string | undefined => {
  const parts = path.split("/")
  const name = parts.at(-1) ?? ""
  if (!path.startsWith("/")) return "it is not absolute"
  if (path.includes("\0")) return "it holds a NUL byte"
  if (parts.includes("..")) return 'it holds ".."'
  if (name !== "log" && !(name.endsWith(".log") && name !== ".log"))
    return 'its last part is neither "log" nor ends in ".log"'
  return undefined
}

/** What is wrong with the open file, or undefined. An empty one gets the header. */
const fileFault = (fd: number): string | undefined => {
  const stats = fstatSync(fd)
  if (!stats.isFile()) return "it is not a regular file"
  if (stats.nlink !== 1) return `it has ${stats.nlink} links`
  if (stats.uid !== ourUser()) return `it belongs to user ${stats.uid}`
  if (stats.size === 0) {
    writeSync(fd, logHeader)
    return undefined
  }
  const start = Buffer.alloc(logHeader.length)
  const length = readSync(fd, start, 0, start.length, 0)
  return start.toString("latin1", 0, length) === logHeader ? undefined : "it holds something else than our log"
}

/** The effective user: whom the kernel shows as the owner of the process's own folder. */
const ourUser = (): number => statSync("/proc/self").uid
