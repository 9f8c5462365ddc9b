import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { Route } from "../../src/link/Route.ts"
import { NetnsService } from "../../src/services/NetnsService.ts"
import { routeText } from "./addresses.ts"
import { addTap, type InWorld, outcome, type Places } from "./inWorld.ts"

const index = 500

const setUp = Effect.fnUntraced(function* ({ host, c1 }: Places) {
  yield* addTap(host, "net1", { netns: c1.netns, index, up: true })
  yield* c1.route.addressAdd(index, { family: 4, address: "10.9.0.2", prefix: 24 })
  yield* c1.route.addressAdd(index, { family: 6, address: "fd09::2", prefix: 64 })
  return (route: Partial<Route> & Pick<Route, "dst" | "prefix">) =>
    outcome(c1.route.routeAdd({ family: route.dst.includes(":") ? 6 : 4, dev: index, ...route }))
})

const ownRoutes = ({ c1 }: Places) =>
  Effect.map(c1.route.routeList({ dev: index }), (list) =>
    list
      .map(routeText)
      .filter((text) => !/^(fe80:|10\.9\.0\.0|fd09::\/64)/.test(text))
      .sort()
  )

const same = (table: Readonly<Record<string, readonly [string, string]>>): void => {
  for (const [what, [found, expected]] of Object.entries(table)) assert.strictEqual(found, expected, what)
}

export const routes = (it: InWorld): void => {
  it("go by a gateway or by the link itself, with all that they can say", (places) =>
    Effect.gen(function* () {
      const add = yield* setUp(places)
      same({
        default: [yield* add({ dst: "0.0.0.0", prefix: 0, gw: "10.9.0.1" }), "ok"],
        "default of IPv6": [yield* add({ dst: "::", prefix: 0, gw: "fd09::1" }), "ok"],
        "by the link": [yield* add({ dst: "198.51.100.0", prefix: 24 }), "ok"],
        "by the link, IPv6": [yield* add({ dst: "fd98::", prefix: 48 }), "ok"],
        "by a gateway of link-local scope": [yield* add({ dst: "fd97::", prefix: 64, gw: "fe80::99" }), "ok"],
        "without a link": [
          yield* add({ dst: "203.0.113.0", prefix: 24, gw: "10.9.0.1", dev: undefined } as never),
          "ok"
        ],
        table: [yield* add({ dst: "192.0.2.0", prefix: 24, gw: "10.9.0.1", table: 1000, priority: 7 }), "ok"]
      })
      assert.deepStrictEqual(yield* ownRoutes(places), [
        "0.0.0.0/0 via 10.9.0.1",
        "192.0.2.0/24 via 10.9.0.1 table 1000 metric 7",
        "198.51.100.0/24 scope 253",
        "203.0.113.0/24 via 10.9.0.1",
        "::/0 via fd09::1 metric 1024",
        "fd97::/64 via fe80::99 metric 1024",
        "fd98::/48 metric 1024"
      ])
      yield* places.c1.route.routeAdd({ family: 4, dst: "100.64.0.0", prefix: 10, dev: index, mtu: 1400, advmss: 1360 })
      const [route] = (yield* places.c1.route.routeList()).filter(({ prefix }) => prefix === 10)
      assert.deepInclude({ ...route }, { mtu: 1400, advmss: 1360, table: 254, dev: index })
    }))

  it("are refused where they are there already, or cannot lead anywhere", (places) =>
    Effect.gen(function* () {
      const add = yield* setUp(places)
      yield* add({ dst: "0.0.0.0", prefix: 0, gw: "10.9.0.1" })
      yield* add({ dst: "fd98::", prefix: 64 })
      const nowhere = "ENETUNREACH Nexthop has invalid gateway"
      same({
        twice: [yield* add({ dst: "0.0.0.0", prefix: 0, gw: "10.9.0.1" }), "EEXIST"],
        "twice, another gateway": [yield* add({ dst: "0.0.0.0", prefix: 0, gw: "10.9.0.254" }), "ok"],
        "twice, IPv6": [yield* add({ dst: "fd98::", prefix: 64 }), "EEXIST"],
        "twice but for host bits, IPv6": [yield* add({ dst: "fd98::5", prefix: 64 }), "EEXIST"],
        gateway: [yield* add({ dst: "198.51.100.0", prefix: 24, gw: "99.0.0.1" }), nowhere],
        "gateway of scope link": [yield* add({ dst: "198.51.100.0", prefix: 24, gw: "10.9.0.1", scope: 253 }), nowhere],
        "gateway, IPv6": [yield* add({ dst: "fd97::", prefix: 64, gw: "fd99::1" }), "EHOSTUNREACH"],
        "our own as gateway": [
          yield* add({ dst: "fd97::", prefix: 64, gw: "fd09::2" }),
          "EINVAL Gateway can not be a local address"
        ],
        "multicast as gateway": [
          yield* add({ dst: "fd97::", prefix: 64, gw: "ff02::2" }),
          "EINVAL Invalid gateway address"
        ],
        "host bits": [yield* add({ dst: "198.51.100.1", prefix: 24 }), "EINVAL Invalid prefix for given prefix length"],
        "33 bits": [yield* add({ dst: "198.51.100.1", prefix: 33 }), "EINVAL Invalid prefix length"],
        "129 bits": [yield* add({ dst: "fd97::", prefix: 129 }), "EINVAL"],
        "no such link": [yield* add({ dst: "198.51.100.0", prefix: 24, dev: 99 }), "ENODEV"],
        "no such link, IPv6": [yield* add({ dst: "fd97::", prefix: 64, dev: 99 }), "ENODEV"],
        "a scope that is none": [yield* add({ dst: "198.51.100.0", prefix: 24, scope: 255 }), "EINVAL Invalid scope"]
      })
    }))

  it("reach a gateway by another route only if that one has scope link", (places) =>
    Effect.gen(function* () {
      const add = yield* setUp(places)
      same({
        near: [yield* add({ dst: "192.0.2.1", prefix: 32, scope: 253 }), "ok"],
        far: [yield* add({ dst: "192.0.2.2", prefix: 32, scope: 0 }), "ok"],
        "by near": [yield* add({ dst: "198.51.100.0", prefix: 24, gw: "192.0.2.1" }), "ok"],
        "by far": [
          yield* add({ dst: "203.0.113.0", prefix: 24, gw: "192.0.2.2" }),
          "ENETUNREACH Nexthop has invalid gateway"
        ],
        "by our own": [yield* add({ dst: "203.0.113.0", prefix: 24, gw: "10.9.0.2" }), "ok"]
      })
    }))

  it("of IPv6 to one destination become one with several next hops", (places) =>
    Effect.gen(function* () {
      const add = yield* setUp(places)
      same({
        one: [yield* add({ dst: "::", prefix: 0, gw: "fd09::1" }), "ok"],
        two: [yield* add({ dst: "::", prefix: 0, gw: "fd09::3" }), "ok"],
        "one again": [yield* add({ dst: "::", prefix: 0, gw: "fd09::1" }), "EEXIST"],
        "another metric": [yield* add({ dst: "::", prefix: 0, gw: "fd09::1", priority: 5 }), "ok"]
      })
      assert.deepStrictEqual(yield* ownRoutes(places), [
        "::/0 via fd09::1 metric 1024",
        "::/0 via fd09::1 metric 5",
        "::/0 via fd09::3 metric 1024"
      ])
    }))

  it("need a link that is up, and for IPv6 one that has it", (places) =>
    Effect.gen(function* () {
      const add = yield* setUp(places)
      const { sysctlSet } = yield* NetnsService
      yield* sysctlSet(places.c1.netns, "net/ipv6/conf/net1/disable_ipv6", "1")
      same({ off: [yield* add({ dst: "fd98::", prefix: 64 }), "EACCES IPv6 is disabled on nexthop device"] })
      yield* sysctlSet(places.c1.netns, "net/ipv6/conf/net1/disable_ipv6", "0")
      yield* places.c1.route.linkSet(index, { up: false })
      same({
        down: [yield* add({ dst: "198.51.100.0", prefix: 24 }), "ENETDOWN Device for nexthop is not up"],
        "down, by a gateway": [
          yield* add({ dst: "198.51.100.0", prefix: 24, gw: "10.9.0.1" }),
          "ENETUNREACH Nexthop has invalid gateway"
        ],
        "down, IPv6": [yield* add({ dst: "fd98::", prefix: 64 }), "ENETDOWN Nexthop device is not up"]
      })
      yield* places.c1.route.linkSet(index, { mtu: 1000 })
      same({ small: [yield* add({ dst: "fd98::", prefix: 64 }), "ENODEV"] })
    }))
}
