/**
 * Unix sockets that keep packets apart (SOCK_SEQPACKET), with descriptors beside a packet (SCM_RIGHTS). node:net knows
 * neither, and reads by itself, dropping descriptors; here nothing is read but when it is asked for, and nothing waits.
 */
import { closeSync } from "node:fs"
import { empty } from "../../wire/bytes.ts"
import { errnoOf, SystemError } from "./errno.ts"
import { addressOf, declare, declareExpecting } from "./foreign.ts"

const AF_UNIX = 1
const SOCK_SEQPACKET = 5
const SOCK_NONBLOCK = 0o4000
const SOCK_CLOEXEC = 0o2000000
const SOL_SOCKET = 1
const SO_PEERCRED = 17
const SCM_RIGHTS = 1
const MSG_DONTWAIT = 0x40
const MSG_CMSG_CLOEXEC = 0x40000000
const MSG_NOSIGNAL = 0x4000
const SHUT_RDWR = 2
/** Connections that may wait to be accepted; the kernel takes no more than net.core.somaxconn. */
const backlog = 4096

/** Bytes of a packet; more is cut off, and read as what it then is. */
const longestPacket = 65536
/** The kernel's own limit of descriptors beside a packet is 253. */
const mostDescriptors = 16
/** `sizeof(struct cmsghdr)`, and bytes for it and so many descriptors. */
const cmsgHeader = 16
const room = cmsgHeader + mostDescriptors * 4

const encoder = new TextEncoder()
const decoder = new TextDecoder()

export interface Packet {
  /** Up to the first NUL. */
  readonly text: string
  /** What is behind that. */
  readonly rest: Uint8Array
  /** Descriptors that are the receiver's to close. */
  readonly descriptors: ReadonlyArray<number>
}

const socket = declare("socket", ["int", "int", "int"])
const bind = declare("bind", ["int", "void *", "uint"])
const connect = declare("connect", ["int", "void *", "uint"])
const listen = declare("listen", ["int", "int"])
const accept4 = declareExpecting(["EAGAIN", "ECONNABORTED"], "accept4", ["int", "void *", "void *", "int"])
const getsockopt = declare("getsockopt", ["int", "int", "int", "void *", "void *"])
const sendmsg = declare("sendmsg", ["int", "void *", "int"], "long")
const recvmsg = declareExpecting(["EAGAIN"], "recvmsg", ["int", "void *", "int"], "long")
const shutdownSocket = declare("shutdown", ["int", "int"])

/** `struct sockaddr_un { u16 sun_family; char sun_path[108]; }` */
const addressAt = (path: string): Uint8Array => {
  const address = new Uint8Array(110)
  const bytes = encoder.encode(path)
  if (bytes.length > 107) throw Object.assign(new Error(`${path}: too long for a socket`), { code: "ENAMETOOLONG" })
  address[0] = AF_UNIX
  address.set(bytes, 2)
  return address
}

const newSocket = (): number => socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)

const withSocket = (step: (fd: number) => void): number => {
  const fd = newSocket()
  try {
    step(fd)
    return fd
  } catch (thrown) {
    closeSync(fd)
    throw thrown
  }
}

/** A socket that listens at `path`, which must not be there. */
export const listenAt = (path: string): number =>
  withSocket((fd) => {
    bind(fd, addressAt(path), 110)
    listen(fd, backlog)
  })

/** A connection to whoever listens at `path`. */
export const connectTo = (path: string): number => withSocket((fd) => connect(fd, addressAt(path), 110))

/** The next connection, or undefined where none waits. */
export const accept = (listener: number): number | undefined =>
  accept4(listener, null, null, SOCK_NONBLOCK | SOCK_CLOEXEC)

/** Who connected. */
export const peerOf = (fd: number): { readonly pid: number; readonly uid: number } => {
  const ucred = new Int32Array(3)
  getsockopt(fd, SOL_SOCKET, SO_PEERCRED, ucred, new Uint32Array([12]))
  return { pid: ucred[0] ?? 0, uid: (ucred[1] ?? 0) >>> 0 }
}

/** Neither side can send any more; what was sent can still be read. */
export const shutdown = (fd: number): void => void shutdownSocket(fd, SHUT_RDWR)

/** Where a `struct msghdr` of 64 bits has its `msg_controllen`, and a `struct iovec` its `iov_len`, in words of 32 bits. */
const controlLength = 10
const vectorLength = 2

/** A `struct msghdr` with room for a packet, and what it points at: memory whose address stays. */
interface Message {
  readonly bytes: Uint8Array<ArrayBuffer>
  /** `{ u64 len; int level, type; int descriptors[]; }` */
  readonly control: Int32Array<ArrayBuffer>
  readonly vector: Int32Array<ArrayBuffer>
  readonly header: Int32Array<ArrayBuffer>
}

const bytesOf = ({ buffer }: Int32Array<ArrayBuffer>): Uint8Array<ArrayBuffer> => new Uint8Array(buffer)

const makeMessage = (): Message => {
  const bytes = new Uint8Array(new ArrayBuffer(longestPacket))
  const control = new Int32Array(new ArrayBuffer(room))
  const vector = new Int32Array(new ArrayBuffer(16))
  /** `{ void *name; u32 namelen, pad; iovec *iov; size_t iovlen; void *control; size_t controllen; int flags; }` */
  const header = new Int32Array(new ArrayBuffer(56))
  const pointers = new DataView(header.buffer)
  new DataView(vector.buffer).setBigUint64(0, addressOf(bytes), true)
  pointers.setBigUint64(16, addressOf(bytesOf(vector)), true)
  pointers.setBigUint64(24, 1n, true)
  pointers.setBigUint64(32, addressOf(bytesOf(control)), true)
  return { bytes, control, vector, header }
}

let shared: Message | undefined
const message = (size: number, controlSize: number): Message => {
  shared ??= makeMessage()
  shared.vector[vectorLength] = size
  shared.header[controlLength] = controlSize
  return shared
}

/** The next packet; undefined where there is none now, `"ended"` where there will be none any more. */
export const receive = (fd: number): Packet | "ended" | undefined => {
  const into = message(longestPacket, room)
  try {
    const size = recvmsg(fd, into.header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC)
    if (size === undefined) return undefined
    const descriptors = descriptorsIn(into)
    if (size === 0) {
      closeAll(descriptors)
      return "ended"
    }
    const bytes = into.bytes.slice(0, size)
    const cut = bytes.indexOf(0)
    return cut < 0
      ? { text: decoder.decode(bytes), rest: empty, descriptors }
      : { text: decoder.decode(bytes.subarray(0, cut)), rest: bytes.subarray(cut + 1), descriptors }
  } catch (thrown) {
    if (errnoOf(thrown) === "ECONNRESET") return "ended"
    throw thrown
  }
}

/** For descriptors that came beside a packet and are for nobody, or have been used. */
export const closeAll = (descriptors: ReadonlyArray<number>): void => {
  for (const fd of descriptors) closeSync(fd)
}

/** A connection that cannot be read has ended: watched further, it would be heard of without a pause. */
export const receiveOrEnd = (fd: number): Packet | "ended" | undefined => {
  try {
    return receive(fd)
  } catch {
    return "ended"
  }
}

const descriptorsIn = ({ header, control }: Message): ReadonlyArray<number> => {
  const descriptors: Array<number> = []
  if ((header[controlLength] ?? 0) < cmsgHeader || control[2] !== SOL_SOCKET || control[3] !== SCM_RIGHTS)
    return descriptors
  const end = (control[0] ?? 0) / 4
  for (let at = cmsgHeader / 4; at + 1 <= end; at++) descriptors.push(control[at] as number)
  return descriptors
}

/** Sends a packet. Throws what the kernel refuses: EPIPE where nobody is there, EAGAIN where nobody reads. */
export const send = (fd: number, text: string, descriptors: ReadonlyArray<number> = []): void => {
  const bytes = encoder.encode(text)
  if (bytes.length > longestPacket) throw new SystemError("sendmsg", "EMSGSIZE")
  const length = cmsgHeader + descriptors.length * 4
  const from = message(bytes.length, descriptors.length === 0 ? 0 : Math.ceil(length / 8) * 8)
  from.bytes.set(bytes)
  from.control.set([length, 0, SOL_SOCKET, SCM_RIGHTS, ...descriptors])
  sendmsg(fd, from.header, MSG_DONTWAIT | MSG_NOSIGNAL)
}
