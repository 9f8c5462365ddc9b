/** The multicast group of links: a socket in a namespace, read by the event loop's own threads. */
import { closeSync, read, writeSync } from "node:fs"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Netns } from "../../link/Netns.ts"
import { NLM_F_ACK, NLM_F_REQUEST, NLMSG_NOOP } from "../../netlink/constants.ts"
import { encode } from "../../netlink/message.ts"
import { NetlinkError } from "../../services/NetlinkService.ts"
import { inside } from "../netns/enter.ts"
import { attempt } from "../system/attempt.ts"
import { errnoOf } from "../system/errno.ts"
import { bind, O_CLOEXEC, setsockopt, socket } from "../system/libc.ts"

const AF_NETLINK = 16
const SOCK_RAW = 3
const NETLINK_ROUTE = 0
const SOL_SOCKET = 1
const SO_RCVBUF = 8
const RTMGRP_LINK = 1

export const operation = "ip monitor link"
const refused = (errno: string): NetlinkError => new NetlinkError({ operation, errno })

export interface EventOptions {
  /** Bytes of events that may wait to be read; the kernel's default (212992) when left out. */
  readonly receiveBuffer?: number
}

/** A socket that hears of every change of a link in the namespace, from now until the scope ends. */
export const subscribe = (netns: Netns, options: EventOptions = {}): Effect.Effect<number, NetlinkError, Scope.Scope> =>
  Effect.acquireRelease(
    attempt(() => open(netns, options), refused),
    (fd) => Effect.sync(() => closeSync(fd))
  )

const open = (netns: Netns, { receiveBuffer }: EventOptions): number => {
  const fd = inside(netns, () => socket(AF_NETLINK, SOCK_RAW | O_CLOEXEC, NETLINK_ROUTE))
  try {
    if (receiveBuffer !== undefined) setsockopt(fd, SOL_SOCKET, SO_RCVBUF, Int32Array.of(receiveBuffer))
    // struct sockaddr_nl { u16 nl_family; u16 pad; u32 nl_pid; u32 nl_groups; }, in the machine's byte order.
    const address = new Uint8Array(12)
    new Uint16Array(address.buffer, 0, 1)[0] = AF_NETLINK
    new Uint32Array(address.buffer, 8, 1)[0] = RTMGRP_LINK
    bind(fd, address)
    return fd
  } catch (thrown) {
    closeSync(fd)
    throw thrown
  }
}

/** The kernel acknowledges it, and thereby ends a read(2) that waits. */
const wake = encode({ type: NLMSG_NOOP, flags: NLM_F_REQUEST | NLM_F_ACK, body: new Uint8Array() }, 0, 0)

/**
 * The next datagram's size. A thread of the event loop's pool waits in read(2), which works in Node and in Bun alike (a
 * netlink socket is nothing that their own sockets would take). It cannot be cancelled, so interruption wakes it and
 * waits for it: the descriptor must not be closed, and used again by another, under it.
 */
export const readDatagram = (fd: number, buffer: Uint8Array): Effect.Effect<number, NetlinkError> =>
  Effect.callback((resume) => {
    const ended = Promise.withResolvers<void>()
    read(fd, buffer, 0, buffer.length, null, (error, size) => {
      ended.resolve()
      resume(error === null ? Effect.succeed(size) : Effect.fail(refused(errnoOf(error) ?? "EIO")))
    })
    return Effect.promise(() => {
      writeSync(fd, wake)
      return ended.promise
    })
  })

/** NetlinkService's `changes`. Events that the kernel had to drop (ENOBUFS) are events. */
export const makeChanges = Effect.fnUntraced(function* (netns: Netns) {
  const fd = yield* subscribe(netns)
  const buffer = new Uint8Array(65536)
  return readDatagram(fd, buffer).pipe(
    Effect.asVoid,
    Effect.catchIf(
      ({ errno }) => errno === "ENOBUFS",
      () => Effect.void
    )
  )
})
