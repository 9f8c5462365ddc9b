import { spawnSync } from "node:child_process"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { linkMonitorLive } from "../../src/live/netlink/LinkMonitorLive.ts"
import type { EventOptions } from "../../src/live/netlink/linkEvents.ts"
import { netlinkLive } from "../../src/live/netlink/NetlinkLive.ts"
import { netnsLive } from "../../src/live/netns/NetnsLive.ts"
import { LinkMonitor, type LinkView } from "../../src/services/LinkMonitor.ts"
import { LogService } from "../../src/services/LogService.ts"
import { NetnsService } from "../../src/services/NetnsService.ts"
import { ipLinks } from "../lab/ip.ts"
import { hasMacvtap } from "../lab/machine.ts"
import { makeNetns } from "../lab/netns.ts"
import { until } from "../lab/run.ts"

/** The monitor of a namespace that is not the test's own. */
const monitorOf = (path: string, options: EventOptions): Layer.Layer<LinkMonitor> => {
  const there = Layer.effect(
    NetnsService,
    NetnsService.useSync((real) => NetnsService.of({ ...real, current: Effect.orDie(real.open(path)) }))
  ).pipe(Layer.provide(netnsLive))
  const quiet = Layer.succeed(LogService, { log: () => Effect.void })
  return linkMonitorLive(options).pipe(Layer.provide(there), Layer.provide(netlinkLive), Layer.provide(quiet))
}

/** Follows the namespace for as long as the block lasts. */
const follow = (path: string, options: EventOptions = {}) => {
  let view: LinkView = { links: [], overruns: 0 }
  const show = (next: LinkView): void => {
    view = next
  }
  const fiber = Effect.runFork(
    LinkMonitor.pipe(
      Effect.flatMap(({ views }) => Stream.runForEach(views, (next) => Effect.sync(() => show(next)))),
      Effect.provide(monitorOf(path, options))
    )
  )
  return {
    view: () => view,
    names: () => view.links.map(({ name }) => name),
    [Symbol.asyncDispose]: () => Effect.runPromise(Effect.asVoid(Fiber.interrupt(fiber)))
  }
}

describe.skipIf(!hasMacvtap)("the monitor of links", () => {
  it("shows what is there, and every change", async () => {
    await using host = await makeNetns("dp-monitor")
    await host.ip("link add v0 type veth peer name v1")
    await using monitor = follow(host.path)
    const shows = (...names: ReadonlyArray<string>) =>
      until(`links ${names}`, () => monitor.names().join() === names.join(), 1000)
    await shows("lo", "v1", "v0")
    await host.ip("link add link v0 name t0 type macvtap mode bridge")
    await shows("lo", "v1", "v0", "t0")
    await host.ip("link set v0 up")
    await until("v0 up", () => monitor.view().links.find(({ name }) => name === "v0")?.up === true, 1000)
    await host.ip("link set t0 name t1")
    await shows("lo", "v1", "v0", "t1")
    await host.ip("link del v1")
    await shows("lo")
    assert.strictEqual(monitor.view().overruns, 0)
  })

  it("does not take a port that leaves its bridge for a link that is gone", async () => {
    await using host = await makeNetns("dp-monitor")
    await host.ip("link add b0 type bridge")
    await host.ip("link add v0 type veth peer name v1")
    await host.ip("link set v0 master b0")
    await using monitor = follow(host.path)
    const v0 = () => monitor.view().links.find(({ name }) => name === "v0")
    await until("v0 a port", () => v0()?.controller !== undefined, 1000)
    await host.ip("link set v0 nomaster")
    await until("v0 no port", () => v0() !== undefined && v0()?.controller === undefined, 1000)
    await host.ip("link add d0 type bridge")
    await until("d0", () => monitor.names().includes("d0"), 1000)
    assert.include(monitor.names(), "v0")
  })

  it("looks afresh when the kernel had to drop events", async () => {
    await using host = await makeNetns("dp-monitor")
    await using monitor = follow(host.path, { receiveBuffer: 4096 })
    await until("the first look", () => monitor.names().includes("lo"))
    const batch = Array.from({ length: 100 }, (_, n) => `link add d${n} type bridge\nlink set d${n} up\n`).join("")
    // The event loop stands still meanwhile, so nobody reads.
    const made = spawnSync("ip", ["-n", host.name, "-batch", "-"], { input: `${batch}link del d7\n` })
    assert.strictEqual(made.status, 0, made.stderr.toString())
    await until("d99", () => monitor.names().includes("d99"), 3000)
    const there = (await ipLinks(host.name)).map(({ ifname }) => ifname)
    assert.deepStrictEqual([...monitor.names()].sort(), [...there].sort())
    assert.isAbove(monitor.view().overruns, 0)
  })

  it("ends at once when nobody listens any more", async () => {
    await using host = await makeNetns("dp-monitor")
    const monitor = follow(host.path)
    await until("the first look", () => monitor.names().includes("lo"))
    const before = performance.now()
    await monitor[Symbol.asyncDispose]()
    assert.isBelow(performance.now() - before, 500)
  })
})
