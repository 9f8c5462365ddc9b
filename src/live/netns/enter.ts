/**
 * Entering a network namespace. A thread is in one at a time, so it is entered for a single synchronous step and left
 * before anything else can run. A thread that cannot come back must never go on: it would act on the host in a pod's name.
 */
import { constants, fstatSync, openSync } from "node:fs"
import type { Netns } from "../../link/Netns.ts"
import { O_CLOEXEC, setns, unshare } from "../system/libc.ts"

const CLONE_NEWNET = 0x40000000

/** The way back from a namespace failed: a defect, and every later step that depends on where the thread is dies of it. */
export class Stranded extends Error {
  constructor(path: string, cause: unknown) {
    super(`cannot leave the network namespace ${path}; nothing more may be done by this process`, { cause })
    this.name = "Stranded"
  }
}

/** The thread's own namespace; /proc/self would be that of the process's first thread. */
export const ownNetns = "/proc/thread-self/ns/net"

/** A handle on the thread's own namespace, opened once and kept for the process's life. */
let home: number | undefined
let stranded: Stranded | undefined

let homeID: string | undefined

/**
 * Runs `step`, which must be synchronous, inside the namespace. The way back is rehearsed before leaving: where setns to
 * one's own namespace is refused (a user namespace that does not own it: EPERM), nothing has happened yet. The thread's own
 * namespace is not entered, which setns(2) would refuse to whoever lacks CAP_SYS_ADMIN, as the device plugin does.
 */
export const inside = <A>(netns: Netns, step: () => A): A => {
  assertHome()
  home ??= openSync(ownNetns, O_CLOEXEC)
  homeID ??= identify(home)
  if (netns.id === homeID) return step()
  return away(home, netns.path, () => setns(netns.fd, CLONE_NEWNET), step)
}

/** A descriptor of a new namespace that has no name: it ends when nothing holds it, the descriptor and what is opened in it. */
export const newNetns = (): number => {
  assertHome()
  home ??= openSync(ownNetns, O_CLOEXEC)
  return away(
    home,
    ownNetns,
    () => unshare(CLONE_NEWNET),
    () => openSync(ownNetns, constants.O_RDONLY | O_CLOEXEC)
  )
}

const away = <A>(home: number, path: string, leave: () => void, step: () => A): A => {
  setns(home, CLONE_NEWNET)
  leave()
  try {
    return step()
  } finally {
    try {
      setns(home, CLONE_NEWNET)
    } catch (cause) {
      stranded = new Stranded(path, cause)
      // biome-ignore lint/correctness/noUnsafeFinally: whatever the step did, this is worse.
      throw stranded
    }
  }
}

/** Dies where an earlier step could not come back. */
export const assertHome = (): void => {
  if (stranded !== undefined) throw stranded
}

/** Whether an earlier step could not come back. */
export const isStranded = (): boolean => stranded !== undefined

/** Enters the namespace that the thread is in: what every step rehearses before it leaves. Throws where that is refused. */
export const rehearse = (): void => {
  assertHome()
  home ??= openSync(ownNetns, O_CLOEXEC)
  setns(home, CLONE_NEWNET)
}

/** Which namespace is behind a descriptor of it: the same for no other, as long as the descriptor is open. */
export const identify = (fd: number): string => {
  const { dev, ino } = fstatSync(fd)
  return `${dev}:${ino}`
}
