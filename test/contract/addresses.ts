import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { Address } from "../../src/link/Address.ts"
import type { Route } from "../../src/link/Route.ts"
import { NetnsService } from "../../src/services/NetnsService.ts"
import { addTap, eventually, type InWorld, outcome, type Place } from "./inWorld.ts"

const index = 500

const v4 = (address: string, prefix: number): Address => ({ family: 4, address, prefix })
const v6 = (address: string, prefix: number): Address => ({ family: 6, address, prefix })

/** `10.9.0.2/24`, those that the kernel makes of the link's MAC left out. */
const addressesOf = (place: Place) =>
  Effect.map(place.route.addressList(index), (list) =>
    list
      .filter(({ address }) => !address.startsWith("fe80:"))
      .map(({ address, prefix }) => `${address}/${prefix}`)
      .sort()
  )

export const routeText = ({ dst, prefix, gw, table, scope, priority }: Route): string =>
  [
    `${dst}/${prefix}`,
    gw === undefined ? "" : `via ${gw}`,
    table === 254 ? "" : `table ${table}`,
    scope ? `scope ${scope}` : "",
    priority ? `metric ${priority}` : ""
  ]
    .filter((part) => part !== "")
    .join(" ")

const routesOf = (place: Place) =>
  Effect.map(place.route.routeList(), (list) =>
    list
      .map(routeText)
      .filter((text) => !text.startsWith("fe80:"))
      .sort()
  )

const connected4 = "10.9.0.0/24 scope 253"
const connected6 = "fd09::/64 metric 256"

export const addresses = (it: InWorld): void => {
  it("bring the route to their network, in both families", ({ host, c1 }) =>
    Effect.gen(function* () {
      yield* addTap(host, "net1", { netns: c1.netns, index, up: true })
      for (const one of [
        v4("10.9.0.2", 24),
        v4("10.9.0.3", 24),
        v4("192.0.2.1", 32),
        v6("fd09::2", 64),
        v6("fd77::1", 128)
      ]) {
        yield* c1.route.addressAdd(index, one)
      }
      assert.deepStrictEqual(yield* addressesOf(c1), [
        "10.9.0.2/24",
        "10.9.0.3/24",
        "192.0.2.1/32",
        "fd09::2/64",
        "fd77::1/128"
      ])
      assert.deepStrictEqual(yield* routesOf(c1), [connected4, connected6, "fd77::1/128 metric 256"])
    }))

  it("IPv6 makes a link-local one of the MAC once the link runs", ({ host, c1 }) =>
    Effect.gen(function* () {
      yield* addTap(host, "net1", { netns: c1.netns, index, mac: "02:03:04:05:06:07", up: true })
      const there = Effect.map(c1.route.addressList(index), (list) =>
        list.some(({ address, prefix }) => address === "fe80::3:4ff:fe05:607" && prefix === 64)
      )
      assert.isTrue(yield* eventually(there))
      const routes = yield* c1.route.routeList({ dev: index })
      assert.deepInclude(routes.map(routeText), "fe80::/64 metric 256")
    }))

  it("IPv6 makes none of the MAC where addr_gen_mode says so, and takes one that is given", ({ host, c1 }) =>
    Effect.gen(function* () {
      const { sysctlSet } = yield* NetnsService
      yield* addTap(host, "net1", { netns: c1.netns, index, mac: "02:03:04:05:06:07" })
      yield* sysctlSet(c1.netns, "net/ipv6/conf/net1/addr_gen_mode", "1")
      yield* c1.route.linkSet(index, { up: true })
      yield* c1.route.addressAdd(index, { ...v6("fe80::7", 64), nodad: true })
      yield* Effect.sleep(50)
      const found = yield* c1.route.addressList(index)
      assert.deepStrictEqual(
        found.map(({ address, tentative = false }) => [address, tentative]),
        [["fe80::7", false]]
      )
    }))

  it("are refused twice, of wrong length, where no link is, and where they can be no link's", ({ host, c1 }) =>
    Effect.gen(function* () {
      yield* addTap(host, "net1", { netns: c1.netns, index, up: true })
      const add = (address: Address, to = index) => outcome(c1.route.addressAdd(to, address))
      const table: Record<string, readonly [string, string]> = {
        first: [yield* add(v4("10.9.0.2", 24)), "ok"],
        "the same": [yield* add(v4("10.9.0.2", 24)), "EEXIST ipv4: Address already assigned"],
        "the same in another network": [yield* add(v4("10.9.0.2", 16)), "ok"],
        "first of IPv6": [yield* add(v6("fd09::2", 64)), "ok"],
        "the same of IPv6": [yield* add(v6("fd09::2", 64)), "EEXIST ipv6: address already assigned"],
        "in another network too": [yield* add(v6("fd09::2", 72)), "EEXIST ipv6: address already assigned"],
        "33 bits": [yield* add(v4("10.9.0.9", 33)), "EINVAL ipv4: Invalid prefix length"],
        "129 bits": [yield* add(v6("fd09::9", 129)), "EINVAL ipv6: Invalid prefix length"],
        "no link": [yield* add(v4("10.9.0.9", 24), 99), "ENODEV ipv4: Device not found"],
        "no link, IPv6": [yield* add(v6("fd09::9", 64), 99), "ENODEV ipv6: Unable to find the interface"],
        unspecified: [yield* add(v6("::", 64)), "EADDRNOTAVAIL ipv6: Invalid address"],
        loopback: [yield* add(v6("::1", 128)), "EADDRNOTAVAIL ipv6: Cannot assign loopback address on this device"],
        multicast: [
          yield* add(v6("ff02::9", 64)),
          `EADDRNOTAVAIL ipv6: Cannot assign multicast address without "IFA_F_MCAUTOJOIN" flag`
        ]
      }
      for (const [what, [found, expected]] of Object.entries(table)) assert.strictEqual(found, expected, what)
      assert.match(yield* outcome(c1.route.addressList(99)), /^ENODEV|^ok/)
    }))

  it("of IPv4 outlive going down, of IPv6 do not, and routes never", ({ host, c1 }) =>
    Effect.gen(function* () {
      yield* addTap(host, "net1", { netns: c1.netns, index, up: true })
      yield* c1.route.addressAdd(index, v4("10.9.0.2", 24))
      yield* c1.route.addressAdd(index, v6("fd09::2", 64))
      yield* c1.route.routeAdd({ family: 4, dst: "0.0.0.0", prefix: 0, gw: "10.9.0.1", dev: index })
      yield* c1.route.linkSet(index, { up: false })
      assert.deepStrictEqual(yield* addressesOf(c1), ["10.9.0.2/24"])
      assert.deepStrictEqual(yield* routesOf(c1), [])
      yield* c1.route.linkSet(index, { up: true })
      assert.deepStrictEqual(yield* routesOf(c1), [connected4])
    }))

  it("of IPv6 outlive it where keep_addr_on_down says so", ({ host, c1 }) =>
    Effect.gen(function* () {
      const { sysctlSet } = yield* NetnsService
      yield* addTap(host, "net1", { netns: c1.netns, index, up: true })
      yield* sysctlSet(c1.netns, "net/ipv6/conf/net1/keep_addr_on_down", "1")
      yield* c1.route.addressAdd(index, v6("fd09::2", 64))
      yield* c1.route.linkSet(index, { up: false })
      assert.deepStrictEqual(yield* addressesOf(c1), ["fd09::2/64"])
      yield* c1.route.linkSet(index, { up: true })
      assert.deepStrictEqual(yield* routesOf(c1), [connected6])
    }))

  it("put on a link that is down get their routes when it goes up", ({ host, c1 }) =>
    Effect.gen(function* () {
      yield* addTap(host, "net1", { netns: c1.netns, index })
      yield* c1.route.addressAdd(index, v4("10.9.0.2", 24))
      yield* c1.route.addressAdd(index, v6("fd09::2", 64))
      assert.deepStrictEqual(yield* addressesOf(c1), ["10.9.0.2/24", "fd09::2/64"])
      assert.deepStrictEqual(yield* routesOf(c1), [])
      yield* c1.route.linkSet(index, { up: true })
      assert.isTrue(
        yield* eventually(Effect.map(routesOf(c1), (routes) => routes.join() === [connected4, connected6].join()))
      )
    }))

  it("of IPv6 are no longer tentative after a while, if the link has a carrier", ({ host, c1 }) =>
    Effect.gen(function* () {
      yield* addTap(host, "net1", { netns: c1.netns, index })
      yield* c1.route.addressAdd(index, v6("fd09::2", 64))
      const tentative = Effect.map(c1.route.addressList(index), (list) =>
        list.some(({ address, tentative }) => address === "fd09::2" && tentative === true)
      )
      assert.isTrue(yield* tentative)
      yield* c1.route.linkSet(index, { up: true })
      assert.isTrue(
        yield* eventually(
          Effect.map(tentative, (is) => !is),
          250
        )
      )
    }))

  it("of IPv6 are refused where it is switched off, or where the MTU is below 1280", ({ host, c1 }) =>
    Effect.gen(function* () {
      const { sysctlSet, sysctlGet } = yield* NetnsService
      const key = "net/ipv6/conf/net1/disable_ipv6"
      yield* addTap(host, "net1", { netns: c1.netns, index, up: true })
      yield* c1.route.addressAdd(index, v6("fd09::2", 64))
      yield* sysctlSet(c1.netns, key, "1")
      assert.deepStrictEqual(yield* c1.route.addressList(index), [])
      assert.strictEqual(
        yield* outcome(c1.route.addressAdd(index, v6("fd09::2", 64))),
        "EACCES ipv6: IPv6 is disabled on this device"
      )
      yield* c1.route.linkSet(index, { mtu: 1279 })
      assert.strictEqual((yield* Effect.flip(sysctlGet(c1.netns, key))).errno, "ENOENT")
      assert.strictEqual(yield* outcome(c1.route.addressAdd(index, v6("fd09::2", 64))), "EINVAL")
      yield* c1.route.linkSet(index, { mtu: 1280 })
      assert.strictEqual(yield* sysctlGet(c1.netns, key), "0")
      yield* c1.route.addressAdd(index, v6("fd09::2", 64))
    }))
}
