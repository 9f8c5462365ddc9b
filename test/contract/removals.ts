/** What is taken away again: routes and addresses of one link among others, and who may do it, one at a time. */
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type { Address } from "../../src/link/Address.ts"
import type { Route } from "../../src/link/Route.ts"
import { NetnsService } from "../../src/services/NetnsService.ts"
import { routeText } from "./addresses.ts"
import { addTap, type InWorld, outcome, type Places } from "./inWorld.ts"

const index = 500
const protocol = 109

const setUp = Effect.fnUntraced(function* ({ host, c1 }: Places) {
  yield* addTap(host, "net1", { netns: c1.netns, index, up: true })
  yield* c1.route.addressAdd(index, { family: 4, address: "10.9.0.2", prefix: 24 })
  yield* c1.route.addressAdd(index, { family: 6, address: "fd09::2", prefix: 64 })
})

const host4 = (address: string, more: Partial<Route> = {}): Route => ({
  family: 4,
  dst: address,
  prefix: 32,
  dev: index,
  protocol,
  priority: 7,
  ...more
})
const host6 = (address: string, more: Partial<Route> = {}): Route => ({
  ...host4(address, more),
  family: 6,
  prefix: 128
})

const ours = ({ c1 }: Places) =>
  Effect.map(c1.route.routeList({ protocol }), (list) => list.map((route) => routeText(route)).sort())

export const removals = (it: InWorld): void => {
  it("routes are told apart by who made them, in both families", (places) =>
    Effect.gen(function* () {
      yield* setUp(places)
      const { routeAdd, routeList } = places.c1.route
      yield* routeAdd(host4("192.0.2.7"))
      yield* routeAdd(host6("fd09::7"))
      yield* routeAdd({ family: 4, dst: "198.51.100.0", prefix: 24, dev: index })
      assert.deepStrictEqual(yield* ours(places), ["192.0.2.7/32 scope 253 metric 7", "fd09::7/128 metric 7"])
      const all = yield* routeList({ dev: index })
      const protocolOf = (dst: string) => all.find((route) => route.dst === dst)?.protocol
      assert.deepStrictEqual(
        [protocolOf("10.9.0.0"), protocolOf("198.51.100.0"), protocolOf("192.0.2.7"), protocolOf("fd09::7")],
        [2, 3, protocol, protocol]
      )
    }))

  it("a route goes by what is said of it, and nothing else goes", (places) =>
    Effect.gen(function* () {
      yield* setUp(places)
      const { routeAdd, routeDel } = places.c1.route
      for (const route of [host4("192.0.2.7"), host4("192.0.2.7", { priority: 8 }), host6("fd09::7")]) {
        yield* routeAdd(route)
      }
      yield* routeAdd(host6("fd09::7", { priority: 8 }))
      const found = {
        "another metric": yield* outcome(routeDel(host4("192.0.2.7", { priority: 9 }))),
        "another's": yield* outcome(routeDel(host4("192.0.2.7", { protocol: 3 }))),
        "another destination, IPv6": yield* outcome(routeDel(host6("fd09::8"))),
        "another metric, IPv6": yield* outcome(routeDel(host6("fd09::7", { priority: 9 }))),
        "its own": yield* outcome(routeDel(host4("192.0.2.7"))),
        "its own, IPv6": yield* outcome(routeDel(host6("fd09::7"))),
        again: yield* outcome(routeDel(host4("192.0.2.7"))),
        "again, IPv6": yield* outcome(routeDel(host6("fd09::7")))
      }
      assert.deepStrictEqual(found, {
        "another metric": "ESRCH",
        "another's": "ESRCH",
        "another destination, IPv6": "ESRCH",
        "another metric, IPv6": "ESRCH",
        "its own": "ok",
        "its own, IPv6": "ok",
        again: "ESRCH",
        "again, IPv6": "ESRCH"
      })
      assert.deepStrictEqual(yield* ours(places), ["192.0.2.7/32 scope 253 metric 8", "fd09::7/128 metric 8"])
    }))

  it("an address goes alone, and one that is not there is refused", (places) =>
    Effect.gen(function* () {
      yield* setUp(places)
      const { addressAdd, addressDel, addressList } = places.c1.route
      const extra: ReadonlyArray<Address> = [
        { family: 4, address: "192.0.2.1", prefix: 32 },
        { family: 6, address: "fd77::1", prefix: 128 }
      ]
      for (const address of extra) yield* addressAdd(index, address)
      for (const address of extra) yield* addressDel(index, address)
      for (const address of extra) assert.match(yield* outcome(addressDel(index, address)), /^EADDRNOTAVAIL/)
      const left = (yield* addressList(index)).filter(({ address }) => !address.startsWith("fe80:"))
      assert.deepStrictEqual(left.map(({ address, prefix }) => `${address}/${prefix}`).sort(), [
        "10.9.0.2/24",
        "fd09::2/64"
      ])
    }))

  it("an IPv6 address without detection is never tentative, not even while its link is down", (places) =>
    Effect.gen(function* () {
      const { host, c1 } = places
      yield* addTap(host, "net1", { netns: c1.netns, index })
      yield* c1.route.addressAdd(index, { family: 6, address: "fe80::7", prefix: 64, nodad: true })
      yield* c1.route.addressAdd(index, { family: 6, address: "fd09::7", prefix: 64 })
      const tentative = (yield* c1.route.addressList(index)).map(({ address, tentative = false }) => [
        address,
        tentative
      ])
      assert.deepStrictEqual(Object.fromEntries(tentative), { "fe80::7": false, "fd09::7": true })
    }))

  it("a locked namespace is locked for everybody, until whoever has it is done", ({ world, c1, c2 }) =>
    Effect.gen(function* () {
      const { lock, open } = yield* NetnsService
      const seen: Array<string> = []
      const other = yield* open(world.c1)
      const waiting = yield* Effect.scoped(
        Effect.gen(function* () {
          yield* lock(c1.netns)
          const fiber = yield* Effect.forkChild(
            Effect.scoped(Effect.andThen(lock(other), () => Effect.sync(() => seen.push("second"))))
          )
          yield* Effect.scoped(lock(c2.netns))
          yield* Effect.sleep(20)
          seen.push("first")
          return fiber
        })
      )
      yield* Fiber.join(waiting)
      assert.deepStrictEqual(seen, ["first", "second"])
      yield* Effect.scoped(lock(c1.netns))
    }))
}
