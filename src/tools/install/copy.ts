/** A file put in its place as a whole: whoever looks there sees the old one or the new one, also after a crash. */
import { closeSync, fchmodSync, fsyncSync, linkSync, openSync, readSync, renameSync, rmSync, writeSync } from "node:fs"
import { dirname, join } from "node:path"
import { errnoOf, readFolder, statFile, statLink } from "../node/files.ts"

export const executableMode = 0o755

const temporary = /^\.macvtap-install-[0-9a-f]{16}$/

/** Bytes read at once. */
const chunk = 1024 * 1024

/** A name beside the target, not visible to a runtime: no plugin is called that. */
export const makeTemporary = (folder: string): string =>
  join(folder, `.macvtap-install-${Buffer.from(crypto.getRandomValues(new Uint8Array(8))).toString("hex")}`)

/** What an installation that was killed has left in the folder. */
export const temporaries = (folder: string): ReadonlyArray<string> =>
  readFolder(folder)
    .filter((entry) => temporary.test(entry.name))
    .map((entry) => join(folder, entry.name))

const withFile = <A>(path: string, flags: string, use: (fd: number) => A): A => {
  const fd = openSync(path, flags, executableMode)
  try {
    return use(fd)
  } finally {
    closeSync(fd)
  }
}

/** Fills the buffer as far as the file goes; the bytes read. */
const fill = (fd: number, buffer: Buffer): number => {
  let length = 0
  for (let more = 1; more > 0 && length < buffer.length; length += more) {
    more = readSync(fd, buffer, length, buffer.length - length, null)
  }
  return length
}

/** A new file with the content of `from`, complete on the disk. Throws what node:fs throws. */
export const writeExecutable = (from: string, to: string): void =>
  withFile(from, "r", (source) =>
    withFile(to, "wx", (target) => {
      const buffer = Buffer.allocUnsafe(chunk)
      for (let length = fill(source, buffer); length > 0; length = fill(source, buffer)) {
        // A full disk takes a part, and refuses only the rest.
        for (let done = 0; done < length; ) done += writeSync(target, buffer, done, length - done)
      }
      // Whatever the umask says.
      fchmodSync(target, executableMode)
      fsyncSync(target)
    })
  )

/** Whether both are regular files with the same bytes. */
export const sameContent = (one: string, other: string): boolean => {
  const [a, b] = [statFile(one), statFile(other)]
  if (a === undefined || b === undefined || !b.isFile() || a.size !== b.size) return false
  if (a.ino === b.ino && a.dev === b.dev) return true
  return withFile(one, "r", (left) =>
    withFile(other, "r", (right) => {
      const [first, second] = [Buffer.allocUnsafe(chunk), Buffer.allocUnsafe(chunk)]
      for (;;) {
        const length = fill(left, first)
        if (length !== fill(right, second) || !first.subarray(0, length).equals(second.subarray(0, length)))
          return false
        if (length === 0) return true
      }
    })
  )
}

/** The folder's entry itself, so that the new name survives a loss of power. */
const syncFolder = (folder: string): void => withFile(folder, "r", fsyncSync)

/** Renames it over `to`, for good. */
export const putInPlace = (beside: string, to: string): void => {
  renameSync(beside, to)
  syncFolder(dirname(to))
}

/** As good as it can be had: what made a copy fail (a read-only file system) may be in the way of its removal too. */
export const removeBeside = (beside: string): void => {
  try {
    rmSync(beside, { force: true })
  } catch {
    // The next installation removes it.
  }
}

/** Gives an installed file a further name, without a further copy of it. False: it has that name already. */
export const linkInto = (file: string, to: string): boolean => {
  const [has, wants] = [statLink(to), statLink(file)]
  if (has !== undefined && has.ino === wants?.ino && has.dev === wants.dev) return false
  const beside = makeTemporary(dirname(to))
  linkSync(file, beside)
  try {
    putInPlace(beside, to)
  } finally {
    removeBeside(beside)
  }
  return true
}

/** Node's errno of a failed copy, in words for the person at the node. */
export const copyProblem = (error: unknown): string => {
  const errno = errnoOf(error)
  const { path, message } = error as NodeJS.ErrnoException
  const at = path === undefined ? "" : ` (${path})`
  const words: Readonly<Record<string, string>> = {
    ENOSPC: "no space is left on its file system",
    EDQUOT: "the quota of its file system is used up",
    EROFS: "its file system is read-only",
    EACCES: `permission denied${at}`,
    EPERM: `not permitted${at}`,
    ENOENT: `it does not exist${at}`,
    EISDIR: "a folder is there"
  }
  return words[errno] ?? message ?? errno
}
