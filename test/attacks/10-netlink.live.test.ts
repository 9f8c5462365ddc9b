/** Attack 10: a pod's root sends to the sockets by which the plugin talks to the kernel there, forged answers or more than anybody reads. */
import { closeSync, fstatSync, openSync, readFileSync } from "node:fs"
import { assert, describe, it } from "vitest"
import { openSocket } from "../../src/live/netlink/netlinkSocket.ts"
import { identify, inside } from "../../src/live/netns/enter.ts"
import { connect, send, socket } from "../../src/live/system/libc.ts"
import { encode } from "../../src/netlink/message.ts"
import { putU16, putU32 } from "../../src/wire/bytes.ts"
import { hasMacvtap } from "../lab/machine.ts"
import { makeNetns } from "../lab/netns.ts"

const AF_NETLINK = 16
const SOCK_RAW = 3

/** `nl_pid` of a socket, by what the kernel lists of those in the thread's namespace. */
const portOf = (fd: number): number => {
  const inode = String(fstatSync(fd).ino)
  const lines = readFileSync("/proc/thread-self/net/netlink", "utf8").split("\n")
  const found = lines.map((line) => line.trim().split(/\s+/)).find((words) => words.at(-1) === inode)
  return Number(found?.[2])
}

const addressOf = (port: number): Uint8Array => {
  const address = new Uint8Array(12)
  putU16(address, 0, AF_NETLINK)
  putU32(address, 4, port)
  return address
}

describe.skipIf(!hasMacvtap)("attack 10: a route socket in a pod's namespace", () => {
  it("is out of reach for whoever is root there", async () => {
    await using pod = await makeNetns("live-socket")
    const fd = openSync(pod.path, "r")
    const netns = { path: pod.path, fd, id: identify(fd) }
    const ours = openSocket(netns)
    const theirs = inside(netns, () => socket(AF_NETLINK, SOCK_RAW, 0))
    try {
      connect(theirs, addressOf(inside(netns, () => portOf(ours))))
      const notice = encode({ type: 17, flags: 0, body: new Uint8Array(16) }, 1, 0)
      assert.throws(() => send(theirs, notice, 0), "ECONNREFUSED")
    } finally {
      for (const one of [theirs, ours, fd]) closeSync(one)
    }
  })
})
