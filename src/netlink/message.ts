/** Netlink messages: a header of sixteen bytes and a body, several of them in one datagram. */
import { align } from "../wire/align.ts"
import { payloadsIn } from "../wire/attribute.ts"
import { empty, putU16, putU32, readS32, readText, readU16, readU32 } from "../wire/bytes.ts"
import { NLM_F_ACK_TLVS, NLM_F_CAPPED, NLMSG_ERROR, NLMSGERR_ATTR_MSG } from "./constants.ts"

/** What is asked of the kernel, before it has a number and an address. */
export interface Request {
  /** In words of `ip`: `ip link add net1 type macvtap`. */
  readonly operation: string
  /** RTM_NEWLINK … */
  readonly type: number
  /** NLM_F_REQUEST | … */
  readonly flags: number
  readonly body: Uint8Array
}

export interface Message {
  readonly type: number
  readonly flags: number
  readonly sequence: number
  /** nlmsg_pid: of the socket, not of the process. */
  readonly port: number
  /** A view of the datagram: copy it before the buffer is used again. */
  readonly body: Uint8Array
}

/** `struct nlmsghdr { __u32 nlmsg_len; __u16 nlmsg_type; __u16 nlmsg_flags; __u32 nlmsg_seq; __u32 nlmsg_pid; };` */
const NLMSG_HDRLEN = 16

/** For a verdict that makes no sense. */
const EPROTO = 71
/** `#define MAX_ERRNO 4095` */
const MAX_ERRNO = 4095

/** The request's bytes, padded, so that several can follow each other in one send(2). */
export const encode = (request: Omit<Request, "operation">, sequence: number, port: number): Uint8Array => {
  const length = NLMSG_HDRLEN + request.body.length
  const whole = new Uint8Array(align(length))
  putU32(whole, 0, length)
  putU16(whole, 4, request.type)
  putU16(whole, 6, request.flags)
  putU32(whole, 8, sequence)
  putU32(whole, 12, port)
  whole.set(request.body, NLMSG_HDRLEN)
  return whole
}

/** The messages of a datagram. What is cut off, or says so of itself (NLMSG_OK fails), ends the list: never throws. */
export const decode = (datagram: Uint8Array): ReadonlyArray<Message> => {
  const messages: Array<Message> = []
  for (let offset = 0; offset + NLMSG_HDRLEN <= datagram.length; ) {
    const length = readU32(datagram, offset) ?? 0
    if (length < NLMSG_HDRLEN || offset + length > datagram.length) break
    messages.push({
      type: readU16(datagram, offset + 4) ?? 0,
      flags: readU16(datagram, offset + 6) ?? 0,
      sequence: readU32(datagram, offset + 8) ?? 0,
      port: readU32(datagram, offset + 12) ?? 0,
      body: datagram.subarray(offset + NLMSG_HDRLEN, offset + length)
    })
    offset += align(length)
  }
  return messages
}

/**
 * The kernel's verdict in an NLMSG_ERROR or NLMSG_DONE: errno positive, 0 for success (an acknowledgement).
 * `struct nlmsgerr { int error; struct nlmsghdr msg; };`, then the body of the request (unless NLM_F_CAPPED), then
 * attributes; in NLMSG_DONE they follow the error itself.
 */
export const readError = (
  message: Pick<Message, "type" | "flags" | "body">
): { readonly errno: number; readonly extack?: string } => {
  const error = readS32(message.body)
  if (error === undefined || error > 0 || error < -MAX_ERRNO) return { errno: EPROTO }
  const errno = -error || 0
  if ((message.flags & NLM_F_ACK_TLVS) === 0) return { errno }
  const quoted =
    message.type !== NLMSG_ERROR
      ? 0
      : message.flags & NLM_F_CAPPED
        ? NLMSG_HDRLEN
        : Math.max(NLMSG_HDRLEN, align(Math.min(readU32(message.body, 4) ?? 0, message.body.length)))
  const extack = readText(payloadsIn(message.body.subarray(4 + quoted)).get(NLMSGERR_ATTR_MSG) ?? empty)
  return extack === "" ? { errno } : { errno, extack }
}
