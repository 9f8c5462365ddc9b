/**
 * The C library, as far as node:fs does not reach. Every function is synchronous, returns what the call returns, and throws
 * a SystemError where the call fails.
 */
import { constants } from "node:fs"
import { errnoOf } from "./errno.ts"
import { declare, declareExpecting, declareWaiting } from "./foreign.ts"

/** Flags that node:fs has no name for, the same on every architecture of ours. O_NOFOLLOW is not: see fs.constants. */
export const O_CLOEXEC = 0o2000000
export const O_PATH = 0o10000000

/** `int setns(int fd, int nstype)`. */
export const setns: (fd: number, type: number) => number = declare("setns", ["int", "int"])

/** `int unshare(int flags)`. */
export const unshare: (flags: number) => number = declare("unshare", ["int"])

/** `int socket(int domain, int type, int protocol)`: a descriptor. */
export const socket: (domain: number, type: number, protocol: number) => number = declare("socket", [
  "int",
  "int",
  "int"
])

/** `int bind(int fd, const struct sockaddr *address, socklen_t length)`. */
export const bind = (fd: number, address: Uint8Array): number => nativeBind(fd, address, address.byteLength)
const nativeBind = declare("bind", ["int", "void *", "uint"])

/** `int connect(int fd, const struct sockaddr *address, socklen_t length)`. */
export const connect = (fd: number, address: Uint8Array): number => nativeConnect(fd, address, address.byteLength)
const nativeConnect = declare("connect", ["int", "void *", "uint"])

/** `int setsockopt(int fd, int level, int name, const void *value, socklen_t length)`. */
export const setsockopt = (fd: number, level: number, name: number, value: NodeJS.TypedArray): number =>
  nativeSetsockopt(fd, level, name, value, value.byteLength)
const nativeSetsockopt = declare("setsockopt", ["int", "int", "int", "void *", "uint"])

/** `ssize_t send(int fd, const void *bytes, size_t length, int flags)`: the number of bytes taken. */
export const send = (fd: number, bytes: Uint8Array, flags: number): number =>
  nativeSend(fd, bytes, bytes.byteLength, flags)
const nativeSend = declare("send", ["int", "void *", "size_t", "int"], "long")

/** The same on another thread: for a request within which the kernel waits. */
export const sendWaiting = (fd: number, bytes: Uint8Array, flags: number): Promise<number> =>
  nativeSendWaiting(fd, bytes, bytes.byteLength, flags)
const nativeSendWaiting = declareWaiting("send", ["int", "void *", "size_t", "int"], "long")

/** `ssize_t recvfrom(…)`: the datagram's size (with MSG_TRUNC its real one); the sender is written to `address`. */
export const recvfrom = (fd: number, buffer: Uint8Array, flags: number, address: Uint8Array): number => {
  addressLength[0] = address.byteLength
  return nativeRecvfrom(fd, buffer, buffer.byteLength, flags, address, addressLength)
}
const addressLength = new Uint32Array(1)
const nativeRecvfrom = declare("recvfrom", ["int", "void *", "size_t", "int", "void *", "void *"], "long")

/** `int ioctl(int fd, unsigned long request, void *argument)`. */
export const ioctl: (fd: number, request: number, argument: Uint8Array | null) => number = declare("ioctl", [
  "int",
  "ulong",
  "void *"
])

/** Whether something can be written to it now; a regular file always takes more. */
export const takesMore = (fd: number): boolean => poll(fd, POLLOUT, 0)
/**
 * Whether something can be read, or nobody is at the other end, within so many milliseconds: this thread waits for that. A
 * signal ends the waiting (EINTR).
 */
export const hasMore = (fd: number, milliseconds: number): boolean => poll(fd, POLLIN, milliseconds)
/** `int poll(struct pollfd { int fd; short events, revents; } *, 1, int)` */
const poll = (fd: number, events: number, milliseconds: number): boolean =>
  (nativePoll(new Int32Array([fd, events]), 1, milliseconds) ?? 0) > 0
const POLLIN = 1
const POLLOUT = 4
const nativePoll = declareExpecting(["EINTR"], "poll", ["void *", "ulong", "int"])

/** `int flock(int fd, LOCK_EX | LOCK_NB)`: EAGAIN where another open file of the same inode has it; gone with close. */
export const flock = (fd: number): number => nativeFlock(fd, 2 | 4)
const nativeFlock = declare("flock", ["int", "int"])

/** The file system's magic number (`f_type`) behind a descriptor; works on O_PATH descriptors. */
export const fstatfsType = (fd: number): number => {
  nativeFstatfs(fd, statfs)
  return statfs[0] as number
}
/** `f_type` has 64 bits on our architectures, magic numbers 32. */
const statfs = new Uint32Array(64)
const nativeFstatfs = declare("fstatfs", ["int", "void *"])

/** `int openat(int dirfd, const char *path, int flags, mode_t mode)`: a descriptor, close-on-exec. */
export const openat = (dirfd: number, path: string, flags: number, mode = 0): number =>
  nativeOpenat(dirfd, path, flags | O_CLOEXEC, mode)
const nativeOpenat = declare("openat", ["int", "str", "int", "uint"])

/**
 * `openat2(dirfd, path, { flags, mode, RESOLVE_IN_ROOT })`: a descriptor, close-on-exec; undefined where there is nothing
 * (ENOENT). `dirfd` is the root directory for every part of the path, absolute symbolic links and `..` included.
 */
export const openInRoot = (dirfd: number, path: string, flags: number, mode = 0): number | undefined =>
  openat2(dirfd, path, flags, mode, RESOLVE_IN_ROOT)

/** The same where no part may be a symbolic link (RESOLVE_NO_SYMLINKS); one is ELOOP. */
export const openInRootStraight = (dirfd: number, path: string, flags: number, mode = 0): number | undefined =>
  openat2(dirfd, path, flags, mode, RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS)

const RESOLVE_NO_SYMLINKS = 0x04
const RESOLVE_IN_ROOT = 0x10
const openat2 = (dirfd: number, path: string, flags: number, mode: number, resolve: number): number | undefined => {
  how[0] = flags | O_CLOEXEC
  how[2] = mode
  how[4] = resolve
  return nativeOpenat2(437, dirfd, path, how, how.byteLength)
}
/** `struct open_how { u64 flags, mode, resolve; }`, of whose numbers none has more than 32 bits. */
const how = new Uint32Array(6)
const nativeOpenat2 = declareExpecting(["ENOENT"], "syscall", ["long", "int", "str", "void *", "size_t"], "long")

// The mount calls are younger than their names in libc; their numbers are the same on every architecture.

/** `int fsopen(const char *type, FSOPEN_CLOEXEC)`: a file system context of the namespaces that the caller is in. */
export const fsopen = (type: string): number => nativeFsopen(430, type, 1)
const nativeFsopen = declare("syscall", ["long", "str", "uint"], "long")

/** `fsconfig(context, FSCONFIG_CMD_CREATE)`: makes the file system. */
export const fsconfigCreate = (context: number): number => nativeFsconfig(431, context, 6, null, null, 0)
const nativeFsconfig = declare("syscall", ["long", "int", "uint", "void *", "void *", "int"], "long")

/** `int fsmount(context, FSMOUNT_CLOEXEC, attributes)`: a descriptor of a mount that is in no namespace's tree. */
export const fsmount = (context: number, attributes: number): number => nativeFsmount(432, context, 1, attributes)
const nativeFsmount = declare("syscall", ["long", "int", "uint", "uint"], "long")

/**
 * `int memfd_create(const char *name, unsigned flags)`: a descriptor, close-on-exec, of a file without a path that can
 * never be executed (MFD_NOEXEC_SEAL: some hosts allow no other; kernels before 6.3 do not know it).
 */
export const memfdCreate = (name: string): number => {
  try {
    return nativeMemfdCreate(name, 1 | 8)
  } catch (thrown) {
    if (errnoOf(thrown) !== "EINVAL") throw thrown
    return nativeMemfdCreate(name, 1)
  }
}
const nativeMemfdCreate = declare("memfd_create", ["str", "uint"])

/** `int pipe2(int ends[2], O_CLOEXEC)`: the end to read from, which does not block, and the end to write to. */
export const pipe = (): readonly [number, number] => {
  const ends = new Int32Array(2)
  nativePipe2(ends, O_CLOEXEC)
  const [read, write] = ends as unknown as readonly [number, number]
  nativeFcntl(read, F_SETFL, constants.O_NONBLOCK)
  return [read, write]
}
const nativePipe2 = declare("pipe2", ["void *", "int"])
const F_GETFD = 1
const F_SETFD = 2
const F_SETFL = 4
const nativeFcntl = declare("fcntl", ["int", "int", "int"])

/** `close(fd)` on another thread, for what takes its time to end; nobody waits for it. */
export const closeElsewhere = (fd: number): void => {
  nativeClose(fd).catch(() => {
    // A descriptor is closed, whatever close(2) answers.
  })
}
const nativeClose = declareWaiting("close", ["int"])

/** `fcntl(fd, F_SETFL, O_NONBLOCK)` and `fcntl(fd, F_SETFD, FD_CLOEXEC)`: for a descriptor that somebody else opened. */
export const setNonBlocking = (fd: number): void => {
  nativeFcntl(fd, F_SETFL, constants.O_NONBLOCK)
  nativeFcntl(fd, F_SETFD, 1)
}

/** `fcntl(fd, F_GETFD) & FD_CLOEXEC`: whether the descriptor ends at the next exec(2). */
export const isCloseOnExec = (fd: number): boolean => (nativeFcntl(fd, F_GETFD, 0) & 1) !== 0

/**
 * `execve(file, argv, env)`: this process becomes another program, which keeps these descriptors (Node has every one
 * closed). Throws where it does not.
 */
export const execve = (
  file: string,
  argv: ReadonlyArray<string>,
  env: ReadonlyArray<string>,
  kept: ReadonlyArray<number>
): never => {
  for (const fd of kept) {
    try {
      nativeFcntl(fd, F_SETFD, 0)
    } catch (thrown) {
      if (errnoOf(thrown) !== "EBADF") throw thrown
    }
  }
  nativeExecve(file, [...argv, null], [...env, null])
  throw new Error("execve came back")
}
const nativeExecve = declare("execve", ["str", "str *", "str *"])

/** `int kill(pid_t pid, int signal)`; a negative pid is a process group. */
export const kill: (pid: number, signal: number) => number = declare("kill", ["int", "int"])

/** `mknod(path, S_IFCHR | mode, makedev(major, minor))`: a character device node; the umask applies to `mode`. */
export const mknodCharacter = (path: string, mode: number, major: number, minor: number): number =>
  nativeMknod(path, 0o020000 | mode, encodeDevice(major, minor))
const nativeMknod = declare("mknod", ["str", "uint", "ulong"])

/** glibc's `makedev` for numbers as the kernel has them: 12 bits of major, 20 of minor. */
const encodeDevice = (major: number, minor: number): number =>
  (major & 0xfff) * 0x100 + (minor & 0xff) + (minor >>> 8) * 0x100000
