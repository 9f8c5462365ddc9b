/** What the kernel was seen to say, read by us and by `ip`: the two must agree. And any golden, encoded back. */
import { assert, describe, it } from "@effect/vitest"
import type { Link } from "../../src/link/Link.ts"
import { decodeAddress } from "../../src/netlink/address.ts"
import {
  NLM_F_DUMP_INTR,
  NLMSG_DONE,
  RTM_NEWADDR,
  RTM_NEWLINK,
  RTM_NEWROUTE,
  RTN_UNICAST
} from "../../src/netlink/constants.ts"
import { decodeLink } from "../../src/netlink/link.ts"
import { decode, encode, readError } from "../../src/netlink/message.ts"
import { decodeRoutes } from "../../src/netlink/route.ts"
import { concat, hex } from "../../src/wire/bytes.ts"
import { golden, goldenNames, type Row } from "../goldens/golden.ts"
import { attributeTrees, encodeTrees, sizeOfHead } from "./tree.ts"

/** The links that the kernel told of, the last word on each. */
const links = (name: string): ReadonlyArray<Link> => {
  const byIndex = new Map<number, Link>()
  for (const { body, type } of golden(name).received) {
    const link = type === RTM_NEWLINK ? decodeLink(body) : undefined
    if (link) byIndex.set(link.index, link)
  }
  return [...byIndex.values()]
}

const byName = (name: string, link: unknown): Link | undefined => links(name).find((other) => other.name === link)

/** A macvlan's or macvtap's options in words of `ip -j`. */
const optionsInWordsOfIp = ({ options }: Link) => {
  const { bcQueueLenUsed, bcqueuelen, flags, mode, sourceMACs } = options
  return {
    mode,
    bcqueuelen,
    usedbcqueuelen: bcQueueLenUsed,
    ...(Array.isArray(flags) ? Object.fromEntries(flags.map((flag: string) => [flag, true])) : {}),
    ...(Array.isArray(sourceMACs) ? { macaddr_count: sourceMACs.length, macaddr_data: sourceMACs } : {})
  }
}

/** `ip` prints source addresses in the kernel's order, which means nothing. */
const sorted = (data: Row | undefined) =>
  data && Array.isArray(data["macaddr_data"]) ? { ...data, macaddr_data: [...data["macaddr_data"]].sort() } : data

const assertLink = (name: string, link: Link | undefined, row: Row): void => {
  assert.isDefined(link)
  const flags = Array.isArray(row["flags"]) ? row["flags"] : []
  assert.strictEqual(link.index, row["ifindex"])
  assert.strictEqual(link.name, row["ifname"])
  assert.strictEqual(link.mac, row["address"])
  assert.strictEqual(link.mtu, row["mtu"])
  assert.strictEqual(link.minMtu, row["min_mtu"])
  assert.strictEqual(link.maxMtu, row["max_mtu"])
  assert.strictEqual(link.alias, row["ifalias"])
  assert.strictEqual(link.up, flags.includes("UP"))
  assert.strictEqual(link.promisc, flags.includes("PROMISC"))
  assert.strictEqual(link.allmulti, flags.includes("ALLMULTI"))
  // Without a queueing discipline's or a carrier's complaint, up and LOWER_UP is IFF_RUNNING.
  assert.strictEqual(link.running, flags.includes("UP") && flags.includes("LOWER_UP"))
  assert.strictEqual(link.parent?.index, row["link_index"] ?? byName(name, row["link"])?.index)
  assert.strictEqual(link.parent?.netnsid, row["link_netnsid"])
  assert.strictEqual(link.controller, byName(name, row["master"])?.index)
  const info = row["linkinfo"] as { readonly info_kind?: string; readonly info_data?: Row } | undefined
  assert.strictEqual(link.kind, info?.info_kind)
  const hasTable = link.kind === "macvlan" || link.kind === "macvtap"
  assert.deepStrictEqual(hasTable ? optionsInWordsOfIp(link) : link.options, hasTable ? sorted(info?.info_data) : {})
}

describe("what the kernel says of links", () => {
  const shows = goldenNames.filter((name) => name.includes("-show") || name === "link-list")

  for (const name of shows) {
    it(`${name}: read as ip reads it`, () => {
      const rows = golden(name).says
      assert.isNotEmpty(rows)
      for (const row of rows) assertLink(name, byName(name, row["ifname"]), row)
    })
  }

  it("lists every link that ip lists, and no other", () => {
    assert.deepStrictEqual(
      links("link-list").map((link) => link.name),
      golden("link-list").says.map((row) => row["ifname"])
    )
  })

  it("is the same link with and without its counters", () => {
    assert.deepStrictEqual(links("link-get")[0], byName("veth-show", "lower"))
    assert.deepStrictEqual(links("link-dump"), links("link-list"))
  })

  it("tells an alias", () => {
    assert.strictEqual(byName("link-del", "tap1")?.alias, "none")
  })
})

describe("what the kernel says of addresses", () => {
  for (const name of ["address-list", "address-dump"]) {
    it(`${name}: read as ip reads it`, () => {
      const ours = golden(name).received.flatMap(({ body, type }) =>
        type === RTM_NEWADDR ? (decodeAddress(body) ?? []) : []
      )
      // The dump of our own was recorded later than ip's answer: only its addresses are compared.
      const rows = golden("address-list").says[0]?.["addr_info"] as ReadonlyArray<Row>
      assert.isNotEmpty(rows)
      assert.deepStrictEqual(
        ours.map(({ address, family, index, prefix, tentative }) => ({
          address,
          family,
          index,
          prefix,
          ...(name === "address-list" ? { tentative } : {})
        })),
        rows.map((row) => ({
          address: row["local"] as string,
          family: row["family"] === "inet" ? 4 : 6,
          index: 10,
          prefix: row["prefixlen"] as number,
          ...(name === "address-list" ? { tentative: row["tentative"] as boolean | undefined } : {})
        }))
      )
    })
  }
})

/** A route of `ip -N -d -j route` as ours, one for each hop. */
const routesOfRow = (row: Row): ReadonlyArray<Record<string, unknown>> =>
  ((row["nexthops"] as ReadonlyArray<Row> | undefined) ?? [row]).map((hop) => routeOfHop(row, hop))

const routeOfHop = (row: Row, hop: Row): Record<string, unknown> => {
  const via = hop["via"] as { readonly host: string } | undefined
  const metrics = (row["metrics"] as ReadonlyArray<Row> | undefined)?.[0]
  const dst = row["dst"] as string
  const family = `${dst}${hop["gateway"]}`.includes(":") ? 6 : 4
  const [address, prefix] = dst === "default" ? [family === 6 ? "::" : "0.0.0.0", "0"] : dst.split("/")
  return {
    family,
    dst: address,
    prefix: Number(prefix ?? 32),
    table: Number(row["table"]),
    scope: Number(row["scope"]),
    protocol: Number(row["protocol"]),
    dev: hop["dev"] === "lower" ? 10 : 11,
    gw: hop["gateway"] ?? via?.host,
    mtu: metrics?.["mtu"],
    advmss: metrics?.["advmss"],
    priority: row["metric"]
  }
}

describe("what the kernel says of routes", () => {
  const routes = (name: string) =>
    golden(name).received.flatMap(({ body, type }) => (type === RTM_NEWROUTE ? decodeRoutes(body) : []))

  it("route-list: its unicast routes, read as ip reads them", () => {
    const { received, says } = golden("route-list")
    const rows = says.filter((row) => row["type"] === `${RTN_UNICAST}`)
    assert.isAbove(received.filter(({ type }) => type === RTM_NEWROUTE).length, rows.length)
    const absent = { gw: undefined, mtu: undefined, advmss: undefined, priority: undefined }
    assert.deepStrictEqual(
      routes("route-list").map((route): Record<string, unknown> => ({ ...absent, ...route })),
      rows.flatMap(routesOfRow)
    )
  })

  it("route-dump: the kernel leaves out what is no unicast route", () => {
    const { received } = golden("route-dump")
    const sent = received.filter(({ type }) => type === RTM_NEWROUTE)
    assert.isTrue(sent.every(({ body }) => decodeRoutes(body).length > 0))
    assert.includeDeepMembers(routes("route-dump"), [...routes("route-list")])
  })

  it("route-dump-protocol: the kernel leaves out what another made, in both families", () => {
    assert.deepStrictEqual(
      routes("route-dump-protocol").map(({ dst, prefix, protocol }) => [dst, prefix, protocol]),
      [
        ["10.26.0.7", 32, 109],
        ["2001:db8:6::7", 128, 109]
      ]
    )
  })
})

describe("the kernel's verdicts", () => {
  const verdict = (name: string) => {
    const last = golden(name).received.at(-1)
    assert.isDefined(last)
    return readError(last)
  }

  it.each([
    ["macvtap-add", { errno: 0 }],
    ["error-exists", { errno: 17 }],
    ["error-not-found", { errno: 19 }],
    ["error-words", { errno: 22, extack: "mtu greater than device maximum" }],
    ["error-words-capped", { errno: 22, extack: "mtu greater than device maximum" }],
    ["kind-known", { errno: 22, extack: "mtu less than device minimum" }],
    ["kind-unknown", { errno: 95, extack: "Unknown device type" }],
    ["link-dump", { errno: 0 }]
  ])("%s", (name, expected) => {
    assert.deepStrictEqual(verdict(name), expected)
  })

  it("ends a dump with NLMSG_DONE, uninterrupted", () => {
    const { received } = golden("link-dump")
    assert.strictEqual(received.at(-1)?.type, NLMSG_DONE)
    assert.isTrue(received.every(({ flags }) => (flags & NLM_F_DUMP_INTR) === 0))
  })
})

describe("goldens", () => {
  it.each(goldenNames)("%s: decoded and encoded back", (name) => {
    const { received, sent } = golden(name)
    assert.isNotEmpty([...sent, ...received])
    for (const message of [...sent, ...received]) {
      const size = sizeOfHead(message)
      const head = message.body.subarray(0, size)
      const body = concat([head, encodeTrees(attributeTrees(message))])
      assert.strictEqual(
        hex(encode({ ...message, body }, message.sequence, message.port)),
        hex(encode(message, message.sequence, message.port))
      )
    }
  })

  it.each(goldenNames)(
    "%s: its datagrams are nothing but whole messages, and zeros that ip sends behind some",
    (name) => {
      for (const datagram of golden(name).datagrams) {
        const again = concat(decode(datagram).map((message) => encode(message, message.sequence, message.port)))
        assert.strictEqual(hex(again), hex(datagram.subarray(0, again.length)))
        assert.match(hex(datagram.subarray(again.length)), /^0*$/)
      }
    }
  )
})
