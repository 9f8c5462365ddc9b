/**
 * Where paths lead: this process's own root directory, or that of a client of the agent, given as a descriptor. Below
 * another root every part of a path stays in it, absolute symbolic links and `..` included (openat2(2), RESOLVE_IN_ROOT).
 */
import { closeSync, constants, fstatSync, openSync, type Stats } from "node:fs"
import { absent, SystemError } from "./errno.ts"
import { fstatfsType, O_CLOEXEC, O_PATH, openInRoot, openInRootStraight } from "./libc.ts"
import { openStraight } from "./straight.ts"

const PROC_SUPER_MAGIC = 0x9fa0

export interface Root {
  /** Opens what lies at the path; symbolic links are followed unless `flags` say otherwise. A descriptor, close-on-exec. */
  readonly open: (path: string, flags: number, mode?: number) => number
  /** The same where there may be nothing: undefined. */
  readonly find: (path: string, flags: number) => number | undefined
  /**
   * Opens an absolute path without `..` that somebody else has named: ELOOP or ENOTDIR where a part is a symbolic link,
   * undefined where there is nothing.
   */
  readonly straight: (path: string, flags: number, mode?: number) => number | undefined
  /** Runs `step` with a path to the same entry for node:fs. Only for functions that do not follow a link at its end. */
  readonly at: <A>(path: string, step: (path: string) => A) => A
  /** Runs `step` with a path of its /proc for node:fs: entries there may be followed, they lead where the kernel says. */
  readonly proc: <A>(step: (folder: string) => A) => A
}

/** This process's root. */
export const ownRoot: Root = {
  open: (path, flags, mode) => openSync(path, flags | O_CLOEXEC, mode),
  find: (path, flags) => absent(() => openSync(path, flags | O_CLOEXEC)),
  straight: (path, flags, mode) => absent(() => openStraight(path, flags, mode)),
  at: (path, step) => step(path),
  proc: (step) => step("/proc")
}

/** Runs `step` with a path of node:fs to what is behind the descriptor, which is closed after it. */
export const throughDescriptor = <A>(fd: number, step: (path: string) => A): A => {
  try {
    return step(`/proc/self/fd/${fd}`)
  } finally {
    closeSync(fd)
  }
}

/** The kernel takes a path up to its NUL; node:fs refuses one, and so do we. */
const checked = (path: string): string => {
  if (path.includes("\0") || !path.startsWith("/")) throw new SystemError("open", "EINVAL")
  return path
}

const there = (fd: number | undefined): number => {
  if (fd === undefined) throw new SystemError("open", "ENOENT")
  return fd
}

/** The root directory behind a descriptor, which stays the caller's. */
export const rootAt = (fd: number): Root => ({
  open: (path, flags, mode) => there(openInRoot(fd, checked(path), flags, mode)),
  find: (path, flags) => openInRoot(fd, checked(path), flags),
  straight: (path, flags, mode) => openInRootStraight(fd, checked(path), flags, mode),
  at: (path, step) => {
    const cut = checked(path).lastIndexOf("/")
    const folder = there(openInRoot(fd, path.slice(0, cut + 1), O_PATH | constants.O_DIRECTORY))
    return throughDescriptor(folder, (parent) => step(`${parent}/${path.slice(cut + 1)}`))
  },
  proc: (step) => {
    const folder = there(openInRoot(fd, "/proc", O_PATH | constants.O_DIRECTORY))
    return throughDescriptor(folder, (path) => {
      if (fstatfsType(folder) !== PROC_SUPER_MAGIC) throw new SystemError("open", "ENOENT")
      return step(path)
    })
  }
})

/** lstat(2); undefined where there is nothing, or no such folder. */
export const statusIn = (root: Root, path: string): Stats | undefined => {
  const fd = root.find(path, O_PATH | constants.O_NOFOLLOW)
  if (fd === undefined) return undefined
  try {
    return fstatSync(fd)
  } finally {
    closeSync(fd)
  }
}
