/** LinkMonitor on the kernel: the multicast group of links, read by the event loop's own threads. */

import { closeSync, read, writeSync } from "node:fs"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"
import type { Link } from "../../link/Link.ts"
import type { Netns } from "../../link/Netns.ts"
import { AF_UNSPEC, NLM_F_ACK, NLM_F_REQUEST, NLMSG_NOOP, RTM_DELLINK, RTM_NEWLINK } from "../../netlink/constants.ts"
import { decodeLink } from "../../netlink/link.ts"
import { decode, encode } from "../../netlink/message.ts"
import { LinkMonitor, type LinkView } from "../../services/LinkMonitor.ts"
import { NetlinkError, NetlinkService } from "../../services/NetlinkService.ts"
import { NetnsService } from "../../services/NetnsService.ts"
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

const operation = "ip monitor link"
const refused = (errno: string): NetlinkError => new NetlinkError({ operation, errno })

export interface LinkMonitorOptions {
  /** Bytes of events that may wait to be read; the kernel's default (212992) when left out. */
  readonly receiveBuffer?: number
}

const subscribe = (netns: Netns, { receiveBuffer }: LinkMonitorOptions): number => {
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
const readDatagram = (fd: number, buffer: Uint8Array): Effect.Effect<number, NetlinkError> =>
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

/** Changes `links` as the datagram says; whether it said anything of a link. */
const apply = (links: Map<number, Link>, datagram: Uint8Array): boolean => {
  let changed = false
  for (const { type, body } of decode(datagram)) {
    // A port that joins or leaves a bridge is told in the same words, with AF_BRIDGE: it is no new link, nor a lost one.
    if ((type !== RTM_NEWLINK && type !== RTM_DELLINK) || body[0] !== AF_UNSPEC) continue
    const link = decodeLink(body)
    if (link === undefined) continue
    if (type === RTM_NEWLINK) links.set(link.index, link)
    else links.delete(link.index)
    changed = true
  }
  return changed
}

/** Links of the namespace that the process is in. */
export const linkMonitorLive = (
  options: LinkMonitorOptions = {}
): Layer.Layer<LinkMonitor, never, NetlinkService | NetnsService> =>
  Layer.effect(
    LinkMonitor,
    Effect.gen(function* () {
      const namespaces = yield* NetnsService
      const netlink = yield* NetlinkService

      /** One subscription, until the kernel drops events. Subscribed first, looked at afterwards: nothing is missed. */
      const follow = Effect.fnUntraced(function* (show: (links: ReadonlyArray<Link>) => Effect.Effect<unknown>) {
        const netns = yield* namespaces.current
        const fd = yield* Effect.acquireRelease(
          attempt(() => subscribe(netns, options), refused),
          (descriptor) => Effect.sync(() => closeSync(descriptor))
        )
        const route = yield* netlink.connect(netns)
        const links = new Map((yield* route.linkList).map((link) => [link.index, link]))
        const buffer = new Uint8Array(65536)
        while (true) {
          yield* show([...links.values()].sort((a, b) => a.index - b.index))
          while (!apply(links, buffer.subarray(0, yield* readDatagram(fd, buffer))));
        }
      }, Effect.scoped)

      return LinkMonitor.of({
        views: Stream.callback(
          Effect.fnUntraced(function* (queue: Queue.Enqueue<LinkView>) {
            let overruns = 0
            const untilOverrun = Effect.catchIf(
              follow((links) => Queue.offer(queue, { links, overruns })),
              (error) => error._tag === "NetlinkError" && error.operation === operation && error.errno === "ENOBUFS",
              () => Effect.sync(() => void overruns++)
            )
            return yield* Effect.forever(untilOverrun)
          }),
          { bufferSize: 1, strategy: "sliding" }
        )
      })
    })
  )
