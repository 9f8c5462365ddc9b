/** Our requests against those that `ip` was seen to send for the same command. */
import { assert, describe, it } from "@effect/vitest"
import { macvlan } from "../../src/link/macvlan.ts"
import { macvtap } from "../../src/link/macvtap.ts"
import { NLM_F_ACK, NLM_F_CREATE, NLM_F_DUMP, NLM_F_EXCL, NLM_F_REQUEST } from "../../src/netlink/constants.ts"
import { decode, encode, type Request } from "../../src/netlink/message.ts"
import {
  addressAdd,
  addressDel,
  addressDump,
  kindProbe,
  linkAdd,
  linkDel,
  linkDump,
  linkGet,
  linkSet,
  routeAdd,
  routeDel,
  routeDump
} from "../../src/netlink/requests.ts"
import { hex } from "../../src/wire/bytes.ts"
import { golden, request } from "../goldens/golden.ts"
import { toTree } from "./tree.ts"

/** The descriptor of a namespace in another process means nothing: `ip` happened to have 4. */
const fd = 4

const hostRoute = { dev: 10, protocol: 109, priority: 3000000000 }

const asIp: ReadonlyArray<readonly [name: string, ours: Request]> = [
  [
    "macvtap-add",
    linkAdd(
      {
        kind: macvtap,
        name: "tap0",
        parent: 10,
        index: 1234567890,
        mtu: 1400,
        mac: "02:03:04:05:06:07",
        alias: "macvtap-cni:net/id/tap0",
        up: true,
        allmulti: true,
        options: { mode: "bridge", bcqueuelen: 500 }
      },
      fd
    )
  ],
  [
    "macvlan-source-add",
    linkAdd({
      kind: macvlan,
      name: "mac0",
      parent: 10,
      index: 77,
      mac: "02:03:04:05:06:09",
      options: { mode: "source", sourceMACs: ["02:00:00:00:01:01", "02:00:00:00:01:02"] }
    })
  ],
  [
    "macvlan-passthru-add",
    linkAdd({
      kind: macvlan,
      name: "mac1",
      parent: 10,
      index: 78,
      options: { mode: "passthru", flags: ["nopromisc"] }
    })
  ],
  ["macvtap-mode", linkSet(1234567890, { kind: macvtap, options: { mode: "private" } })],
  ["link-set", linkSet(1234567890, { mtu: 1300, alias: "none", up: true, promisc: true, allmulti: false })],
  ["link-move", linkSet(1234567890, { name: "tap1", mac: "02:03:04:05:06:08", up: false }, fd)],
  ["link-del", linkDel(1234567890)],
  ["address-add", addressAdd(10, { family: 4, address: "10.1.2.3", prefix: 22 })],
  ["address-add-31", addressAdd(10, { family: 4, address: "10.9.9.0", prefix: 31 })],
  ["address-add-ipv6", addressAdd(10, { family: 6, address: "2001:db8::3", prefix: 64 })],
  ["address-list", addressDump(10)],
  ["route-add-table", routeAdd({ ...to("10.22.0.0", 16), gw: "10.1.2.1", dev: 10, table: 1000, scope: 200 })],
  ["route-add-link", routeAdd({ ...to("10.21.0.0", 16), dev: 10 })],
  ["route-add", routeAdd({ ...to("10.20.0.0", 16), gw: "10.1.2.1", dev: 10 })],
  [
    "route-add-default",
    routeAdd({ ...to("0.0.0.0", 0), gw: "10.1.2.1", dev: 10, priority: 50, mtu: 1400, advmss: 1360 })
  ],
  ["route-add-via-inet6", routeAdd({ ...to("10.23.0.0", 16), gw: "fe80::1", dev: 10 })],
  ["address-add-nodad", addressAdd(10, { family: 6, address: "fe80::7", prefix: 64, nodad: true })],
  ["address-del", addressDel(10, { family: 4, address: "10.9.9.0", prefix: 31 })],
  ["address-del-ipv6", addressDel(10, { family: 6, address: "2001:db8::3", prefix: 64 })],
  ["route-add-protocol", routeAdd({ ...to("10.26.0.7", 32), ...hostRoute })],
  ["route-del", routeDel({ ...to("10.26.0.7", 32), ...hostRoute })],
  ["route-del-ipv6", routeDel({ family: 6, dst: "2001:db8:6::7", prefix: 128, ...hostRoute })],
  ["route-add-ipv6-net", routeAdd({ family: 6, dst: "2001:db8:5::", prefix: 48, gw: "2001:db8::1", dev: 10 })]
]

function to(dst: string, prefix: number) {
  return { family: 4, dst, prefix } as const
}

describe("requests", () => {
  for (const [name, ours] of asIp) {
    it(`${name}: as ip sends it`, () => {
      const theirs = toTree(request(golden(name), ours.type))
      // `ip route add` is NLM_F_EXCL; ours is not, so that IPv6 routes of one destination become one of several hops.
      const flags = name.startsWith("route-add") ? ours.flags | NLM_F_EXCL : ours.flags
      assert.deepStrictEqual(toTree({ ...ours, flags }), theirs)
    })
  }

  it("link-get, the dumps and the probes are as they were when the kernel answered them", () => {
    const sent = {
      "link-get": linkGet("lower"),
      "link-dump": linkDump(),
      "address-dump": addressDump(10),
      "route-dump": routeDump(),
      "route-dump-protocol": routeDump(109),
      "error-words-capped": linkSet(10, { mtu: 70000 }),
      "kind-known": kindProbe(macvtap),
      "kind-unknown": kindProbe({ ...macvtap, kind: "nonesuch" })
    }
    for (const [name, ours] of Object.entries(sent)) {
      const [theirs] = golden(name).datagrams
      assert.strictEqual(hex(encode(ours, 7, 0)), hex(theirs ?? new Uint8Array()), name)
    }
  })

  it("asks for one link, and dumps only where a list is wanted", () => {
    assert.strictEqual(linkGet("eth0").flags, NLM_F_REQUEST)
    assert.strictEqual(linkGet(3).flags, NLM_F_REQUEST)
    for (const dump of [linkDump(), addressDump(3), routeDump()]) {
      assert.strictEqual(dump.flags, NLM_F_REQUEST | NLM_F_DUMP, dump.operation)
    }
  })

  it("never takes an existing link for the one that was to be added", () => {
    const { flags } = linkAdd({ kind: macvtap, name: "net1", parent: 2 })
    assert.strictEqual(flags, NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL)
  })

  it("asks for an alternative name where one is too long for a name", () => {
    const IFLA_IFNAME = "3"
    const IFLA_ALT_IFNAME = "53"
    assert.hasAnyKeys(toTree(linkGet("fifteen-letters")).attributes, [IFLA_IFNAME])
    assert.hasAnyKeys(toTree(linkGet("sixteen--letters")).attributes, [IFLA_ALT_IFNAME])
  })

  it("names the namespace and the ifindex there in a move", () => {
    const netns = { path: "/run/netns/c1", fd: 9, id: "4:1" }
    const { attributes } = toTree(linkSet(5, { netns, newIndex: 49 }))
    assert.deepStrictEqual(attributes, { 28: "09000000", 49: "31000000" })
  })

  it("leaves flags alone that are not named, and can name each both ways", () => {
    const flags = (change: Parameters<typeof linkSet>[1]) => toTree(linkSet(1, change)).head.slice(16)
    assert.strictEqual(flags({}), "0000000000000000")
    assert.strictEqual(flags({ up: true }), "0100000001000000")
    assert.strictEqual(flags({ up: false, promisc: true }), "0001000001010000")
    assert.strictEqual(flags({ allmulti: false }), "0000000000020000")
  })

  it("removes an alias by an empty one", () => {
    assert.deepStrictEqual(toTree(linkSet(1, { alias: "" })).attributes, { 20: "" })
  })

  it("puts requests of any length so that another can follow in the same datagram", () => {
    const requests = ["a", "ab", "abc", "abcd"].map((name) => linkGet(name))
    const datagram = Buffer.concat(requests.map((one, i) => encode(one, i, 0)))
    assert.deepStrictEqual(
      decode(datagram).map(({ sequence, body }) => [sequence, hex(body)]),
      requests.map(({ body }, i) => [i, hex(body)])
    )
  })
})
