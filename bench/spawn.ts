/**
 * Starts programs and takes their times: posix_spawn and wait4 of libc, from this process. Nothing stands between the
 * clock and the program (no shell, no nsenter, no pipe that this process would have to empty).
 */
import { closeSync, openSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import koffi from "koffi"
import { isCloseOnExec, setns } from "../src/live/system/libc.ts"

// The sources configure koffi when they first load the library, which cannot be done once anybody has loaded one.
isCloseOnExec(1)
const libc = koffi.load(null)
const posixSpawn = libc.func(
  "int posix_spawn(_Out_ int *pid, const char *path, void *actions, void *attributes, const char **argv, const char **envp)"
)
const wait4 = libc.func("int wait4(int pid, _Out_ int *status, int options, void *rusage)")
const actionsInit = libc.func("int posix_spawn_file_actions_init(void *actions)")
const actionsDestroy = libc.func("int posix_spawn_file_actions_destroy(void *actions)")
const actionsOpen = libc.func(
  "int posix_spawn_file_actions_addopen(void *actions, int fd, const char *path, int flags, uint mode)"
)
const attributesInit = libc.func("int posix_spawnattr_init(void *attributes)")
const attributesFlags = libc.func("int posix_spawnattr_setflags(void *attributes, short flags)")
const attributesDefault = libc.func("int posix_spawnattr_setsigdefault(void *attributes, void *signals)")

const clockGettime = libc.func("int clock_gettime(int clock, void *time)")

const timespec = Buffer.alloc(16)
/** CLOCK_REALTIME in milliseconds. */
const now = (): number => {
  clockGettime(0, timespec)
  return Number(timespec.readBigInt64LE(0)) * 1000 + Number(timespec.readBigInt64LE(8)) / 1e6
}

const O_WRONLY_CREAT_TRUNC = 0o1101
const POSIX_SPAWN_SETSIGDEF = 4
const CLONE_NEWNET = 0x40000000

/** Node ignores SIGPIPE, which an executed program would inherit. */
const attributes = Buffer.alloc(512)
const signals = Buffer.alloc(128)
signals[1] = 1 << 4
attributesInit(attributes)
attributesDefault(attributes, signals)
attributesFlags(attributes, POSIX_SPAWN_SETSIGDEF)

export interface Program {
  /** Absolute path and arguments. */
  readonly command: readonly [string, ...ReadonlyArray<string>]
  /** The whole environment. */
  readonly env: Readonly<Record<string, string>>
  readonly stdin: string
}

/** How a program ended, and what it took. */
export interface Ended {
  /** The exit status; 128 + the signal's number where a signal ended it. */
  readonly status: number
  readonly stdout: string
  readonly stderr: string
  /** Milliseconds from before posix_spawn until wait4 has answered. */
  readonly wall: number
  /** Milliseconds of CPU, user and system together, of the program and the children that it waited for. */
  readonly cpu: number
  /** Milliseconds since 1970, by the clock that the program can read too. */
  readonly began: number
  readonly ended: number
}

interface Started {
  readonly wait: () => Ended
}

let counter = 0

/** Starts the program; its stdin, stdout and stderr are files in `folder`. */
export const start = (folder: string, program: Program): Started => {
  const files = join(folder, String(++counter))
  writeFileSync(`${files}.in`, program.stdin)
  const actions = Buffer.alloc(128)
  actionsInit(actions)
  actionsOpen(actions, 0, `${files}.in`, 0, 0)
  actionsOpen(actions, 1, `${files}.out`, O_WRONLY_CREAT_TRUNC, 0o600)
  actionsOpen(actions, 2, `${files}.err`, O_WRONLY_CREAT_TRUNC, 0o600)
  const argv = [...program.command, null]
  const envp = [...Object.entries(program.env).map(([key, value]) => `${key}=${value}`), null]
  const pid = [0]
  const began = now()
  const first = process.hrtime.bigint()
  const errno = posixSpawn(pid, program.command[0], actions, attributes, argv, envp)
  actionsDestroy(actions)
  if (errno !== 0) throw new Error(`cannot start ${program.command.join(" ")}: errno ${errno}`)
  return {
    wait: () => {
      const status = [0]
      const usage = Buffer.alloc(144)
      while (wait4(pid[0], status, 0, usage) < 0) {
        // EINTR: a signal came, which Node sees when this is over.
      }
      const last = process.hrtime.bigint()
      const ended = now()
      const word = status[0] ?? 0
      // struct rusage begins with two struct timeval: user and system.
      const time = (at: number): number =>
        Number(usage.readBigInt64LE(at)) * 1000 + Number(usage.readBigInt64LE(at + 8)) / 1000
      return {
        status: (word & 0x7f) === 0 ? (word >> 8) & 0xff : 128 + (word & 0x7f),
        stdout: readFileSync(`${files}.out`, "utf8"),
        stderr: readFileSync(`${files}.err`, "utf8"),
        wall: Number(last - first) / 1e6,
        cpu: time(0) + time(16),
        began,
        ended
      }
    }
  }
}

/** Starts the program and waits for its end, with this process doing nothing meanwhile. */
export const measure = (folder: string, program: Program): Ended => start(folder, program).wait()

/** Puts this process's first thread, and all that it starts from now on, into the network namespace. */
export const enterNetns = (path: string): void => {
  const fd = openSync(path, "r")
  setns(fd, CLONE_NEWNET)
  closeSync(fd)
}
