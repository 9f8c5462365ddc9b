/**
 * Stands in for node:fs in what a CNI call is made of: the functions that every call needs, straight from libc.
 * Evaluating Bun's node:fs takes 1.3 ms, more than all that an ADD does with it; here that happens only for the functions
 * that no plain call needs, or where Bun has no foreign functions.
 */
import type * as Fs from "node:fs"
import { readU16, readU32 } from "../../src/wire/bytes.ts"
import { type Argument, declare, type Library, libc } from "./libc.ts"

const real = (): typeof Fs => require("node:fs")

/** A function of the real module, which is evaluated when it is first called. */
const later =
  (name: keyof typeof Fs) =>
  (...args: ReadonlyArray<unknown>): unknown =>
    (real()[name] as (...args: ReadonlyArray<unknown>) => unknown)(...args)

export const existsSync = later("existsSync")
export const fsyncSync = later("fsyncSync")
export const linkSync = later("linkSync")
export const mkdirSync = later("mkdirSync")
export const readdirSync = later("readdirSync")
export const readlinkSync = later("readlinkSync")
export const realpathSync = later("realpathSync")
export const renameSync = later("renameSync")
export const rmSync = later("rmSync")

const arm64 = process.arch === "arm64"
export const constants = {
  O_RDONLY: 0,
  O_WRONLY: 1,
  O_RDWR: 2,
  O_CREAT: 0o100,
  O_NOCTTY: 0o400,
  O_APPEND: 0o2000,
  O_NONBLOCK: 0o4000,
  O_DIRECTORY: arm64 ? 0o40000 : 0o200000,
  O_NOFOLLOW: arm64 ? 0o100000 : 0o400000
}

const encoder = new TextEncoder()
// As node:fs decodes: a byte order mark is a character.
const decoder = new TextDecoder("utf-8", { ignoreBOM: true })

const latin1 = (bytes: Uint8Array): string => {
  let text = ""
  for (let i = 0; i < bytes.length; i++) text += String.fromCharCode(bytes[i] ?? 0)
  return text
}

const cpath = (path: string): string => {
  if (path.includes("\0")) throw Object.assign(new Error("a path with a NUL byte"), { code: "ERR_INVALID_ARG_VALUE" })
  return path
}

const S_IFMT = 0o170000
/** glibc's makedev: what st_dev and st_rdev hold. */
const makedev = (major: number, minor: number): number =>
  ((major & ~0xfff) >>> 12) * 0x100000000000 + (major & 0xfff) * 0x100 + (minor & 0xff) + (minor >>> 8) * 0x100000

/** `struct statx`, the same on every architecture, as much of it as anyone asks for. */
const statsOf = (statx: Uint8Array) => {
  const u32 = (offset: number): number => readU32(statx, offset) ?? 0
  const mode = readU16(statx, 28) ?? 0
  const is = (type: number) => (): boolean => (mode & S_IFMT) === type
  return {
    nlink: u32(16),
    uid: u32(20),
    gid: u32(24),
    mode,
    ino: u32(32) + u32(36) * 0x100000000,
    size: u32(40) + u32(44) * 0x100000000,
    rdev: makedev(u32(128), u32(132)),
    dev: makedev(u32(136), u32(140)),
    isFIFO: is(0o010000),
    isCharacterDevice: is(0o020000),
    isDirectory: is(0o040000),
    isBlockDevice: is(0o060000),
    isFile: is(0o100000),
    isSymbolicLink: is(0o120000),
    isSocket: is(0o140000)
  }
}
type Stats = ReturnType<typeof statsOf>

const O_CLOEXEC = 0o2000000
const AT_FDCWD = -100
const AT_SYMLINK_NOFOLLOW = 0x100
const AT_EMPTY_PATH = 0x1000
const STATX_BASIC_STATS = 0x7ff

const hot = (library: Library) => {
  const open = declare(library, "open", ["str", "int", "uint"])
  const close = declare(library, "close", ["int"])
  const read = declare(library, "read", ["int", "void *", "size_t"], "long")
  const pread = declare(library, "pread", ["int", "void *", "size_t", "long"], "long")
  const write = declare(library, "write", ["int", "void *", "size_t"], "long")
  const chmod = declare(library, "chmod", ["str", "uint"])
  const chown = declare(library, "chown", ["str", "uint", "uint"])
  const statx = declare(library, "statx", ["int", "str", "int", "uint", "void *"])

  const stat = (fd: number, path: string, flags: number): Stats => {
    const bytes = new Uint8Array(256)
    statx(fd, path, flags, STATX_BASIC_STATS, bytes)
    return statsOf(bytes)
  }
  const statPath = (flags: number) => (path: string, options?: { readonly throwIfNoEntry?: boolean }) => {
    try {
      return stat(AT_FDCWD, cpath(path), flags)
    } catch (error) {
      if (options?.throwIfNoEntry === false && (error as NodeJS.ErrnoException).code === "ENOENT") return undefined
      throw error
    }
  }
  const openSync = (path: string, flags: number, mode = 0o666): number => open(cpath(path), flags | O_CLOEXEC, mode)
  const closeSync = (fd: number): void => void close(fd)
  const slurp = (fd: number): Uint8Array => {
    let bytes = new Uint8Array(16384)
    for (let size = 0; ; ) {
      const length = read(fd, bytes.subarray(size), bytes.length - size)
      if (length === 0) return bytes.subarray(0, size)
      size += length
      if (size === bytes.length) {
        const larger = new Uint8Array(2 * size)
        larger.set(bytes)
        bytes = larger
      }
    }
  }
  return {
    openSync,
    closeSync,
    chmodSync: (path: string, mode: number): void => void chmod(cpath(path), mode),
    chownSync: (path: string, uid: number, gid: number): void => void chown(cpath(path), uid, gid),
    fstatSync: (fd: number): Stats => stat(fd, "", AT_EMPTY_PATH),
    lstatSync: statPath(AT_SYMLINK_NOFOLLOW),
    statSync: statPath(0),
    readSync: (
      fd: number,
      into: Uint8Array,
      offset = 0,
      length = into.length - offset,
      position: number | null = null
    ) => {
      const part = into.subarray(offset, offset + length)
      return position === null ? read(fd, part, length) : pread(fd, part, length, position)
    },
    writeSync: (fd: number, data: string | Uint8Array, offset = 0, ...more: ReadonlyArray<number>): number => {
      if (more.length > 0) return real().writeSync(fd, data as Uint8Array, offset, ...more)
      const bytes = typeof data === "string" ? encoder.encode(data) : data.subarray(offset)
      return write(fd, bytes as Argument, bytes.length)
    },
    readFileSync: (file: string | number, encoding: "utf8" | "latin1"): string => {
      const fd = typeof file === "number" ? file : openSync(file, constants.O_RDONLY)
      try {
        const bytes = slurp(fd)
        return encoding === "utf8" ? decoder.decode(bytes) : latin1(bytes)
      } finally {
        if (fd !== file) closeSync(fd)
      }
    }
  }
}

export const {
  openSync,
  closeSync,
  chmodSync,
  chownSync,
  fstatSync,
  lstatSync,
  statSync,
  readSync,
  writeSync,
  readFileSync
} = libc === undefined ? (real() as unknown as ReturnType<typeof hot>) : hot(libc)
