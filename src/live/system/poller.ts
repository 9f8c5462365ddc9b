/**
 * Hears of many descriptors at once (epoll(7)) without reading them: one thread of the pool waits in the kernel, and this
 * one is called when something is to be read. Nothing runs while nothing happens: the thread waits in poll(2), which the
 * kernel takes up again by itself after a stop (signal(7)), as a debugger's; epoll_wait(2) would come back with EINTR.
 */
import { closeSync } from "node:fs"
import { arch } from "node:os"
import { errnoOf } from "./errno.ts"
import { declare, declareAside } from "./foreign.ts"

const EPOLL_CLOEXEC = 0o2000000
const EPOLL_CTL_ADD = 1
const EPOLL_CTL_DEL = 2
const EPOLLIN = 1
const EFD_CLOEXEC = 0o2000000

/** `struct epoll_event { u32 events; u64 data; }`, packed on x86 alone, in words of 32 bits. */
const [eventSize, dataOffset] = arch() === "x64" ? [3, 1] : [4, 2]
const mostEvents = 64
const POLLIN = 1

const epollCreate = declare("epoll_create1", ["int"])
const epollControl = declare("epoll_ctl", ["int", "int", "int", "void *"])
const epollWait = declare("epoll_wait", ["int", "void *", "int", "int"])
const poll = declareAside("poll", ["void *", "ulong", "int"])
const eventfd = declare("eventfd", ["uint", "int"])

export interface Poller {
  /** Calls `ready` whenever there is something to be read, or nobody at the other end; until the answer is called. */
  readonly watch: (fd: number, ready: () => void) => () => void
  /** Stops, and lets the waiting thread go. */
  readonly close: () => void
}

/** `failed` is told what ends the watching, which nothing else does. */
export const makePoller = (failed: (reason: unknown) => void): Poller => {
  const epoll = epollCreate(EPOLL_CLOEXEC)
  /** Always readable: what makes the waiting thread come back at the end. */
  const bell = eventfd(1, EFD_CLOEXEC)
  const watched = new Map<number, () => void>()
  const event = new Int32Array(eventSize)
  const events = new Int32Array(mostEvents * eventSize)
  /** `struct pollfd { int fd; short events, revents; }` */
  const waited = new Int32Array([epoll, POLLIN])
  let open = true
  const add = (fd: number): void => {
    event[0] = EPOLLIN
    event[dataOffset] = fd
    epollControl(epoll, EPOLL_CTL_ADD, fd, event)
  }
  const end = (): void => {
    closeSync(epoll)
    closeSync(bell)
  }
  const tell = (): void => {
    const count = epollWait(epoll, events, mostEvents, 0)
    for (let index = 0; open && index < count; index++) {
      watched.get(events[index * eventSize + dataOffset] as number)?.()
    }
  }
  const wait = (): void =>
    poll(
      (_, thrown) => {
        try {
          // A signal is nothing to end for.
          if (thrown && errnoOf(thrown) !== "EINTR") throw thrown
          if (open) tell()
          if (open) return wait()
        } catch (reason) {
          if (open) failed(reason)
        }
        end()
      },
      waited,
      1,
      -1
    )
  wait()
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
