/** A route socket of a namespace, as a transport. */
import { closeSync } from "node:fs"
import type { Netns } from "../../link/Netns.ts"
import { readU32 } from "../../wire/bytes.ts"
import { inside } from "../netns/enter.ts"
import { connect, O_CLOEXEC, recvfrom, send, sendWaiting, setsockopt, socket } from "../system/libc.ts"
import type { Whereabouts } from "../whereabouts.ts"
import type { Transport } from "./Transport.ts"

const AF_NETLINK = 16
const SOCK_RAW = 3
const NETLINK_ROUTE = 0
const SOL_SOCKET = 1
const SO_RCVTIMEO = 20
const SOL_NETLINK = 270
const NETLINK_EXT_ACK = 11
const NETLINK_GET_STRICT_CHK = 12
const MSG_TRUNC = 0x20
const MSG_DONTWAIT = 0x40

/**
 * Seconds. The kernel does a request within send(2), however long it waits for its locks there, so an answer that is not
 * there soon after will not come.
 */
const timeLimit = 5
/** `struct timeval` */
const receiveLimit = new BigInt64Array([BigInt(timeLimit), 0n])
const on = new Int32Array([1])
/**
 * The kernel's address, nl_pid 0. Whoever is root in the namespace may send to our socket: more than anybody reads, so that
 * the thread of all calls reads on and on, and the kernel's answers find no room. To a socket that is connected to the
 * kernel nobody else can send (ECONNREFUSED).
 */
const kernel = new Uint8Array([AF_NETLINK, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])

/** A datagram is copied out in the step that receives it, so that all sockets share these. The kernel's dumps come in up to 32 KiB. */
let buffer = new Uint8Array(65536)
/** `struct sockaddr_nl { u16 nl_family; u16 pad; u32 nl_pid; u32 nl_groups; }` */
const address = new Uint8Array(12)

/** `socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE)` in the namespace; it stays there whatever the thread does later. */
export const openSocket = (netns: Netns): number => {
  const fd = inside(netns, () => socket(AF_NETLINK, SOCK_RAW | O_CLOEXEC, NETLINK_ROUTE))
  try {
    setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, on)
    setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, on)
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, receiveLimit)
    connect(fd, kernel)
    return fd
  } catch (thrown) {
    closeSync(fd)
    throw thrown
  }
}

/**
 * The socket's two directions. A datagram that does not fit is cut off, and the next one finds a buffer of its size. In a
 * `resident` process it can be sent to from another thread too, and watched.
 */
export const socketTransport = (fd: number, resident?: Whereabouts["resident"]): Transport => ({
  timeLimit: timeLimit * 1000,
  now: () => performance.now(),
  send: (bytes) => void send(fd, bytes, 0),
  ...(resident === undefined
    ? {}
    : {
        shared: {
          send: (bytes: Uint8Array) => sendWaiting(fd, bytes, 0),
          watch: (ready: () => void) => resident.watch(fd, ready)
        }
      }),
  receive: (wait) => {
    const size = recvfrom(fd, buffer, MSG_TRUNC | (wait ? 0 : MSG_DONTWAIT), address)
    const bytes = buffer.slice(0, size)
    if (size > buffer.length) buffer = new Uint8Array(size)
    return { bytes, size, sender: readU32(address, 4) ?? 0 }
  }
})
