/** The socket on which the agent listens: its own, put in place by renaming, or one that systemd has given it. */
import { randomBytes } from "node:crypto"
import { chmodSync, closeSync, lstatSync, mkdirSync, renameSync, rmSync } from "node:fs"
import { dirname } from "node:path"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { ToolError } from "../command/Command.ts"
import { errnoOf } from "../live/system/errno.ts"
import { setNonBlocking } from "../live/system/libc.ts"
import { listenAt } from "../live/system/packets.ts"
import { quote } from "../wire/foreign.ts"
import { agentSocket } from "./socket.ts"

export interface Listener {
  readonly fd: number
  /** Somebody else holds it too: what waits in it is the next agent's. */
  readonly handedOver: boolean
  /** Takes it out of the way of new clients, where it is still ours. */
  readonly withdraw: () => void
}

/** Descriptor 3, where systemd started us by a socket unit (sd_listen_fds(3)). */
const given = (env: Readonly<Record<string, string | undefined>>, pid: number): Listener | undefined => {
  if (env["LISTEN_PID"] !== String(pid) || env["LISTEN_FDS"] === undefined) return undefined
  setNonBlocking(3)
  return { fd: 3, handedOver: true, withdraw: () => {} }
}

/**
 * Nobody but root may reach the socket: its folder is made so, and refused where it is not. An older socket, or one that
 * an agent left which was killed, is replaced in one step: no client meets none.
 */
const makeOwn = (path: string): Listener => {
  const folder = dirname(path)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  // The link /proc/self is the host's root's, whatever number a user namespace shows that as.
  const roots = [0, lstatSync("/proc/self").uid]
  if (path === agentSocket) closeFolder(folder, roots)
  const stats = lstatSync(folder)
  if (!stats.isDirectory() || !roots.includes(stats.uid) || (stats.mode & 0o077) !== 0) {
    throw Object.assign(new Error(`${folder} is not a folder that only root may enter`), { code: "EPERM" })
  }
  const beside = `${path}.${randomBytes(6).toString("hex")}`
  const fd = listenAt(beside)
  try {
    chmodSync(beside, 0o600)
    const { ino, dev } = lstatSync(beside)
    renameSync(beside, path)
    const withdraw = (): void => {
      const now = lstatSync(path, { throwIfNoEntry: false })
      if (now?.ino === ino && now.dev === dev) rmSync(path, { force: true })
    }
    return { fd, handedOver: false, withdraw }
  } catch (thrown) {
    closeSync(fd)
    rmSync(beside, { force: true })
    throw thrown
  }
}

/** A folder that is the agent's alone may have been made by the kubelet, which lets everybody look into a hostPath. */
const closeFolder = (folder: string, roots: ReadonlyArray<number>): void => {
  const { uid, mode } = lstatSync(folder)
  if (roots.includes(uid) && (mode & 0o077) === 0o055) chmodSync(folder, 0o700)
}

/** Listens as long as the scope is open. */
export const listen = (
  path: string,
  env: Readonly<Record<string, string | undefined>>,
  pid: number
): Effect.Effect<Listener, ToolError, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.try({
      try: () => given(env, pid) ?? makeOwn(path),
      catch: (thrown) =>
        new ToolError({
          problem: `cannot listen on ${quote(path)}: ${errnoOf(thrown) ?? ""} ${(thrown as Error).message}`.trim(),
          advice: "its folder has to be root's alone (mode 0700), on a file system that can be written to"
        })
    }),
    ({ fd, withdraw }) =>
      Effect.sync(() => {
        withdraw()
        closeSync(fd)
      })
  )
