/** NetnsService on the kernel: handles are descriptors of nsfs files. */

import { closeSync, constants, fstatSync, openSync, type Stats, writeSync } from "node:fs"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type { Netns } from "../../link/Netns.ts"
import { traced } from "../../observe/span.ts"
import { NetnsError, NetnsNotFound, NetnsService, NotANetns } from "../../services/NetnsService.ts"
import { attempt } from "../system/attempt.ts"
import { errnoOf, SystemError } from "../system/errno.ts"
import { held } from "../system/held.ts"
import { readKernelText } from "../system/kernelText.ts"
import { fstatfsType, ioctl, O_CLOEXEC, O_PATH } from "../system/libc.ts"
import { here, type Whereabouts } from "../whereabouts.ts"
import { assertHome, identify, inside, ownNetns } from "./enter.ts"
import { fresh } from "./fresh.ts"
import { lock } from "./lock.ts"
import { listNetns } from "./netnsList.ts"

const NSFS_MAGIC = 0x6e736673
const PROC_SUPER_MAGIC = 0x9fa0
/** `_IO(0xb7, 0x3)`: answers with the CLONE_NEW… flag of the namespace's type. */
const NS_GET_NSTYPE = 0xb703
const CLONE_NEWNET = 0x40000000
const namespaceTypes: Readonly<Record<number, string>> = {
  [0x00000080]: "a time namespace",
  [0x00020000]: "a mount namespace",
  [0x02000000]: "a cgroup namespace",
  [0x04000000]: "a UTS namespace",
  [0x08000000]: "an IPC namespace",
  [0x10000000]: "a user namespace",
  [0x20000000]: "a PID namespace"
}

const describeFile = (stats: Stats): string =>
  stats.isDirectory()
    ? "a directory"
    : stats.isFIFO()
      ? "a FIFO"
      : stats.isSocket()
        ? "a socket"
        : stats.isCharacterDevice()
          ? "a character device"
          : stats.isBlockDevice()
            ? "a block device"
            : stats.size === 0
              ? "an empty file"
              : "a regular file"

/** What lies at a path that is no network namespace. */
interface Found {
  readonly found: string
}

/**
 * Runtimes mount a namespace on an empty file in such a folder. Removing it takes two steps, unmount and unlink; between
 * them there is an empty file, and the namespace is gone.
 */
const runtimeFolder = /\/netns\/[^/]+$/

/**
 * O_PATH first: it opens nothing, so that neither a FIFO hangs nor a watchdog starts. Only what is known to be on nsfs
 * is opened in earnest, and through the descriptor, so that it is the same file.
 */
const openNetns = (path: string, { root, opened }: Whereabouts): Netns | Found => {
  const given = opened?.(path)
  if (given !== undefined) return judge(path, given)
  const process = /^\/proc\/\d+\/ns\/net$/.test(path)
  const seen = process
    ? root.proc((folder) => openSync(folder + path.slice("/proc".length), O_PATH | O_CLOEXEC))
    : root.open(path, O_PATH)
  try {
    return judge(path, seen)
  } finally {
    closeSync(seen)
  }
}

/** What the O_PATH descriptor of `path` is, opened in earnest where it is a network namespace. */
const judge = (path: string, seen: number): Netns | Found => {
  const magic = fstatfsType(seen)
  const stats = fstatSync(seen)
  if ((magic !== NSFS_MAGIC && magic !== PROC_SUPER_MAGIC) || !stats.isFile()) {
    const found = describeFile(stats)
    if (found === "an empty file" && runtimeFolder.test(path)) throw new SystemError("open", "ENOENT")
    return { found }
  }
  const fd = openSync(`/proc/self/fd/${seen}`, constants.O_RDONLY | constants.O_NONBLOCK | O_CLOEXEC)
  try {
    const type = namespaceType(fd)
    if (type === CLONE_NEWNET) return { path, fd, id: `${stats.dev}:${stats.ino}` }
    closeSync(fd)
    return { found: namespaceTypes[type] ?? "a file of /proc" }
  } catch (thrown) {
    closeSync(fd)
    throw thrown
  }
}

/** Whether the descriptor is of a network namespace. */
export const isNetns = (fd: number): boolean => fstatfsType(fd) === NSFS_MAGIC && namespaceType(fd) === CLONE_NEWNET

/** 0 for a file that is no namespace at all. */
const namespaceType = (fd: number): number => {
  try {
    return ioctl(fd, NS_GET_NSTYPE, null)
  } catch (thrown) {
    if (errnoOf(thrown) === "ENOTTY") return 0
    throw thrown
  }
}

const gone = new Set(["ENOENT", "ENOTDIR"])

const open = (
  path: string,
  where: Whereabouts
): Effect.Effect<Netns, NetnsNotFound | NotANetns | NetnsError, Scope.Scope> =>
  Effect.flatMap(
    held(
      () => openNetns(path, where),
      (errno) => (gone.has(errno) ? new NetnsNotFound({ path }) : new NetnsError({ operation: "open", path, errno })),
      (netns) => "fd" in netns && closeSync(netns.fd)
    ),
    (netns) => ("found" in netns ? Effect.fail(new NotANetns({ path, found: netns.found })) : Effect.succeed(netns))
  )

/** /proc has nothing else under that name, so that there is nothing to look at before it is opened. */
const openOwn = (): Netns => {
  assertHome()
  const fd = openSync(ownNetns, constants.O_RDONLY | O_CLOEXEC)
  return { path: ownNetns, fd, id: identify(fd) }
}

/** The caller's, through the descriptor that it gave, which stays open for all of the call. */
const givenNetns = (fd: number): Netns => {
  assertHome()
  return { path: ownNetns, fd, id: identify(fd) }
}

const refusedOwn = (errno: string) => new NetnsError({ operation: "open", path: ownNetns, errno })

const current = ({ netns }: Whereabouts) =>
  netns === undefined
    ? held(openOwn, refusedOwn, ({ fd }) => closeSync(fd))
    : attempt(() => givenNetns(netns), refusedOwn)

/**
 * Which links /proc/sys/net shows depends on the namespace of the thread that looks the path up. A key that would lead
 * out of /proc/sys is refused before that.
 */
const sysctl = <A>(folder: string, netns: Netns, key: string, flags: number, step: (fd: number) => A): A => {
  for (const part of key.split("/")) {
    if (part === "" || part === "." || part === "..") throw new SystemError("open", "EINVAL")
  }
  return inside(netns, () => {
    const fd = openSync(`${folder}/${key}`, flags | O_CLOEXEC)
    try {
      return step(fd)
    } finally {
      closeSync(fd)
    }
  })
}

/** Namespaces of this kernel, as they are found from there. */
export const makeNetns = (where: Whereabouts): NetnsService["Service"] => ({
  current: current(where),
  open: (path) => open(path, where),
  fresh,
  list: attempt(
    () => listNetns(where.root),
    (errno) => new NetnsError({ operation: "list", path: "/proc", errno })
  ),
  lock,
  sysctlGet: (netns, key) =>
    attempt(
      () => sysctl(where.sysctls, netns, key, constants.O_RDONLY, readKernelText),
      (errno) => new NetnsError({ operation: `sysctl ${key}`, path: netns.path, errno })
    ).pipe(traced(`sysctl ${key}`)),
  sysctlSet: (netns, key, value) =>
    attempt(
      () => void sysctl(where.sysctls, netns, key, constants.O_WRONLY, (fd) => writeSync(fd, value)),
      (errno) => new NetnsError({ operation: `sysctl -w ${key}=${value}`, path: netns.path, errno })
    ).pipe(traced(`sysctl -w ${key}=${value}`))
})

/** Those of this process. */
export const netns: NetnsService["Service"] = makeNetns(here)

export const netnsLive: Layer.Layer<NetnsService> = Layer.succeed(NetnsService, netns)
