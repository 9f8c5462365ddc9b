/** Every reader of the wire format on the same bytes, and what must hold of whatever it makes of them. */
import { assert } from "@effect/vitest"
import { decodeAddress } from "../../src/netlink/address.ts"
import {
  NLMSG_DONE,
  NLMSG_ERROR,
  RTM_GETLINK,
  RTM_NEWADDR,
  RTM_NEWLINK,
  RTM_NEWROUTE
} from "../../src/netlink/constants.ts"
import { describe } from "../../src/netlink/describe.ts"
import { decodeLink } from "../../src/netlink/link.ts"
import { decode, type Message, readError } from "../../src/netlink/message.ts"
import { decodeRoutes, readHops } from "../../src/netlink/route.ts"
import { decodeAttributes } from "../../src/wire/attribute.ts"

/** As messages of each type that we know, and of one that we do not. */
const types = [NLMSG_ERROR, NLMSG_DONE, RTM_NEWLINK, RTM_GETLINK, RTM_NEWADDR, RTM_NEWROUTE, 99]

const assertLink = (body: Uint8Array): void => {
  const link = decodeLink(body)
  if (link === undefined) return
  assert.isNotEmpty(link.name)
  for (const number of [link.index, link.mtu, link.minMtu, link.maxMtu]) assert.isTrue(Number.isInteger(number))
  if (link.mac !== undefined) assert.match(link.mac, /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/)
  if (link.parent !== undefined) assert.isAbove(link.parent.index, 0)
}

const assertVerdict = (message: Message): void => {
  const { errno } = readError(message)
  assert.isTrue(Number.isInteger(errno) && errno >= 0, `errno ${errno}`)
}

const assertIp = (family: 4 | 6, address: string): void =>
  assert.match(address, family === 4 ? /^(\d{1,3}\.){3}\d{1,3}$/ : /^[0-9a-f:.]*:[0-9a-f:.]*$/)

/** Throws where a reader does, or where what it says cannot be. */
export const assertReadable = (bytes: Uint8Array): void => {
  for (const message of decode(bytes)) assert.isAtMost(message.body.length, bytes.length)
  for (const { payload } of decodeAttributes(bytes)) assert.isBelow(payload.length, bytes.length)
  assert.isAtMost(readHops(bytes).length, bytes.length / 8)
  assertLink(bytes)
  const address = decodeAddress(bytes)
  if (address) assertIp(address.family, address.address)
  for (const route of decodeRoutes(bytes)) assertIp(route.family, route.dst)
  for (const type of types) {
    for (const flags of [0, 1, 0x300]) {
      const message = { type, flags, sequence: 1, port: 1, body: bytes }
      assert.notInclude(describe(message), "\n")
      if (type === NLMSG_ERROR || type === NLMSG_DONE) assertVerdict(message)
    }
  }
  for (const message of decode(bytes)) {
    assert.notInclude(describe(message), "\n")
    if (message.type === RTM_NEWLINK) assertLink(message.body)
  }
}
