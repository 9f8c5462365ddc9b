/**
 * One request and its answer over a netlink socket, with everything that can happen in between (netlink(7)): signals,
 * lost answers, dumps that changed while they were read, messages for somebody else. Pure but for the transport.
 */
import {
  NLM_F_ACK,
  NLM_F_DUMP,
  NLM_F_DUMP_INTR,
  NLMSG_DONE,
  NLMSG_ERROR,
  NLMSG_NOOP,
  NLMSG_OVERRUN,
  RTM_DELLINK
} from "../../netlink/constants.ts"
import { decode, encode, type Message, type Request, readError } from "../../netlink/message.ts"
import { readS32 } from "../../wire/bytes.ts"
import { errnoName } from "../../wire/errno.ts"
import { errnoOf } from "../system/errno.ts"
import type { Datagram, Transport } from "./Transport.ts"

export type Answer =
  | { readonly _tag: "Answered"; readonly messages: ReadonlyArray<Message> }
  | { readonly _tag: "Refused"; readonly errno: string; readonly extack?: string }

/** What happened meanwhile, for the debug log. */
export type Event = { readonly message: Message } | { readonly note: string }

/** How often a question is asked whose answer was lost or changed meanwhile. Requests that change something are sent once. */
const maxTries = 8

/** The answer was lost, or is not to be trusted; the errno says why. */
interface Lost {
  readonly lost: string
}

/**
 * Sends the request and reads to the end of its answer. `nextSequence` gives each try a number of its own, so that late
 * answers to an earlier one are known as such. Errors: the kernel's own; ETIMEDOUT where no answer came, EPROTO where it
 * made no sense, ENOBUFS or EMSGSIZE where it was lost (whether a change was made is then unknown), EINTR where a dump
 * changed every time that it was asked for.
 */
export const converse = (
  transport: Transport,
  request: Request,
  nextSequence: () => number,
  trace: (event: Event) => void
): Answer => {
  // RTM_GET… are the third of each four types: asked again, they change nothing.
  const repeatable = request.type % 4 === 2
  const dump = repeatable && (request.flags & NLM_F_DUMP) === NLM_F_DUMP
  for (let tries = 1; ; tries++) {
    const outcome = ask(transport, request, dump, nextSequence(), trace)
    if ("_tag" in outcome) return outcome
    if (!repeatable || tries === maxTries) return refused(outcome.lost)
    trace({ note: `${outcome.lost}: asked again` })
  }
}

const ask = (
  transport: Transport,
  request: Request,
  dump: boolean,
  sequence: number,
  trace: (event: Event) => void
): Answer | Lost => {
  const unsent = send(transport, encode(request, sequence, 0))
  if (unsent !== undefined) return unsent === "ENOBUFS" ? { lost: unsent } : refused(unsent)
  const messages: Array<Message> = []
  let interrupted = false
  // Once something is lost, what is still there is read without waiting: an acknowledgement may be among it, and a dump
  // has to be read to its end before the kernel begins another (EBUSY).
  let lost: string | undefined
  const lose = (errno: string): void => {
    lost ??= errno
    trace({ note: errno })
  }
  for (let end = transport.now() + transport.timeLimit; ; ) {
    let datagram: Datagram
    try {
      datagram = transport.receive(lost === undefined)
    } catch (thrown) {
      const errno = errnoOf(thrown)
      if (errno === undefined) throw thrown
      if (errno === "EAGAIN") return lost === undefined ? refused("ETIMEDOUT") : { lost }
      if (errno === "ENOBUFS") lose(errno)
      else if (errno !== "EINTR") return refused(errno)
      if (transport.now() >= end) return lost === undefined ? refused("ETIMEDOUT") : { lost }
      continue
    }
    if (datagram.sender !== 0) {
      if (transport.now() >= end) return refused("ETIMEDOUT")
      continue
    }
    if (datagram.size > datagram.bytes.length) lose("EMSGSIZE")
    const received = decode(datagram.bytes)
    if (received.length === 0 && lost === undefined) return refused("EPROTO")
    for (const message of received) {
      if (message.type === NLMSG_OVERRUN) lose("ENOBUFS")
      if (message.sequence !== sequence || message.type === NLMSG_NOOP || message.type === NLMSG_OVERRUN) continue
      trace({ message })
      // A notice answers nothing; see `hear` for whose it may be.
      if (message.type === RTM_DELLINK) continue
      end = transport.now() + transport.timeLimit
      if ((message.flags & NLM_F_DUMP_INTR) !== 0 && dump) interrupted = true
      if (message.type === NLMSG_ERROR) return verdict(message, messages)
      if (message.type === NLMSG_DONE) {
        if (lost !== undefined) return { lost }
        return interrupted ? { lost: "EINTR" } : verdict(message, messages)
      }
      messages.push(message)
      if (!dump && (request.flags & NLM_F_ACK) === 0) return { _tag: "Answered", messages }
    }
    if (transport.now() >= end) return refused("ETIMEDOUT")
  }
}

/** Datagrams that are read in a row. */
const mostDatagrams = 64

/** Where `struct ifinfomsg` has its ifi_index. */
const ifindexAt = 4

/**
 * What the kernel has said by now to a request to delete a link that was sent from another thread: its verdict, or its
 * notice (NLM_F_ECHO) that the link is deleted. undefined where it has said neither; nothing is waited for. ENOBUFS where
 * something was lost, and what came before that says nothing: whether the link is deleted is then unknown.
 *
 * A notice of another link is somebody else's: whoever deletes one end of a veth is told of the other end in that one's
 * namespace, at a port and with a number that are theirs to choose.
 */
export const hear = (
  transport: Transport,
  request: Request,
  sequence: number,
  trace: (event: Event) => void
): Answer | undefined => {
  let lost = false
  for (let count = 0; count < mostDatagrams; count++) {
    let datagram: Datagram
    try {
      datagram = transport.receive(false)
    } catch (thrown) {
      const errno = errnoOf(thrown)
      if (errno === undefined) throw thrown
      if (errno === "EAGAIN") break
      if (errno === "ENOBUFS") lost = true
      else if (errno !== "EINTR") return refused(errno)
      continue
    }
    if (datagram.sender !== 0) continue
    for (const message of decode(datagram.bytes)) {
      if (message.sequence !== sequence) continue
      trace({ message })
      if (message.type === NLMSG_ERROR) return verdict(message, [])
      const isOurs = readS32(message.body, ifindexAt) === readS32(request.body, ifindexAt)
      if (message.type === RTM_DELLINK && isOurs) return { _tag: "Answered", messages: [] }
    }
  }
  return lost ? refused("ENOBUFS") : undefined
}

const send = ({ now, send, timeLimit }: Transport, bytes: Uint8Array): string | undefined => {
  for (const end = now() + timeLimit; ; ) {
    try {
      send(bytes)
      return undefined
    } catch (thrown) {
      const errno = errnoOf(thrown)
      if (errno === undefined) throw thrown
      if (errno !== "EINTR" || now() >= end) return errno
    }
  }
}

/** The verdict of NLMSG_ERROR or NLMSG_DONE. */
const verdict = (message: Message, messages: ReadonlyArray<Message>): Answer => {
  const { errno, extack } = readError(message)
  return errno === 0 ? { _tag: "Answered", messages } : refused(errnoName(errno), extack)
}

const refused = (errno: string, extack?: string): Answer =>
  extack === undefined ? { _tag: "Refused", errno } : { _tag: "Refused", errno, extack }
