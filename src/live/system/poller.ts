/**
 * Hears of many descriptors at once (epoll(7)) without reading them: one thread of the pool waits in the kernel, and this
 * one is called when something is to be read. Nothing runs while nothing happens: the thread waits in poll(2), which the
 * kernel takes up again by itself after a stop (signal(7)), as a debugger's; epoll_wait(2) would come back with EINTR.
 */
import { closeSync } from "node:fs"
import { arch } from "node:os"
import { errnoOf } from "./errno.ts"
import { declare, declareWaiting } from "./foreign.ts"

const EPOLL_CLOEXEC = 0o2000000
const EPOLL_CTL_ADD = 1
const EPOLL_CTL_DEL = 2
const EPOLLIN = 1
const EFD_CLOEXEC = 0o2000000

/** `struct epoll_event { u32 events; u64 data; }`, packed on x86 alone. */
const [eventSize, dataOffset] = arch() === "x64" ? [12, 4] : [16, 8]
const mostEvents = 64
/** `struct pollfd { int fd; short events, revents; }` */
const pollfdSize = 8
const POLLIN = 1

const epollCreate = declare("epoll_create1", ["int"])
const epollControl = declare("epoll_ctl", ["int", "int", "int", "void *"])
const epollWait = declare("epoll_wait", ["int", "void *", "int", "int"])
const poll = declareWaiting("poll", ["void *", "ulong", "int"])
const eventfd = declare("eventfd", ["uint", "int"])

export interface Poller {
  /** Calls `ready` whenever there is something to be read, or nobody at the other end; until the answer is called. */
  readonly watch: (fd: number, ready: () => void) => () => void
  /** Stops, and lets the waiting thread go. */
  readonly close: () => void
}

/** A signal is nothing to end for. */
const interrupted = (thrown: unknown): number => {
  if (errnoOf(thrown) === "EINTR") return 0
  throw thrown
}

/** `failed` is told what ends the watching, which nothing else does. */
export const makePoller = (failed: (reason: unknown) => void): Poller => {
  const epoll = epollCreate(EPOLL_CLOEXEC)
  /** Always readable: what makes the waiting thread come back at the end. */
  const bell = eventfd(1, EFD_CLOEXEC)
  const watched = new Map<number, () => void>()
  const events = new DataView(new ArrayBuffer(mostEvents * eventSize))
  const waited = new DataView(new ArrayBuffer(pollfdSize))
  waited.setInt32(0, epoll, true)
  waited.setInt16(4, POLLIN, true)
  let open = true
  const add = (fd: number): void => {
    const event = new DataView(new ArrayBuffer(eventSize))
    event.setUint32(0, EPOLLIN, true)
    event.setInt32(dataOffset, fd, true)
    epollControl(epoll, EPOLL_CTL_ADD, fd, new Uint8Array(event.buffer))
  }
  const end = (): void => {
    closeSync(epoll)
    closeSync(bell)
  }
  const wait = async (): Promise<void> => {
    while (open) {
      const some = await poll(new Uint8Array(waited.buffer), 1, -1).catch(interrupted)
      const count = open && some > 0 ? epollWait(epoll, new Uint8Array(events.buffer), mostEvents, 0) : 0
      for (let index = 0; open && index < count; index++) {
        watched.get(events.getInt32(index * eventSize + dataOffset, true))?.()
      }
    }
  }
  wait().then(end, (reason) => {
    if (open) failed(reason)
    end()
  })
  return {
    watch: (fd, ready) => {
      add(fd)
      watched.set(fd, ready)
      return () => {
        if (!watched.delete(fd) || !open) return
        epollControl(epoll, EPOLL_CTL_DEL, fd, null)
      }
    },
    close: () => {
      if (!open) return
      open = false
      add(bell)
    }
  }
}
