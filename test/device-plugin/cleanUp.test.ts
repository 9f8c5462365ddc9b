import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as SubscriptionRef from "effect/SubscriptionRef"
import * as TestClock from "effect/testing/TestClock"
import { Kubelet } from "../../src/device-plugin/kubelet/Kubelet.ts"
import { cleanUp } from "../../src/device-plugin/offer/cleanUp.ts"
import { ensureStandalone } from "../../src/device-plugin/offer/standalone.ts"
import { nodePath } from "../../src/devices/resources.ts"
import { makeKernel } from "../../src/mock/Kernel.ts"
import { mockLayer } from "../../src/mock/layer.ts"

const offer = {
  name: "tap",
  lowerDevice: "eth0",
  present: true,
  mode: "bridge",
  capacity: 3,
  standalone: true,
  numaNodes: []
}

/** A node with standalone devices, and a kubelet of which only the checkpoint is there. */
const scene = Effect.gen(function* () {
  const kernel = makeKernel()
  kernel.addLink({ name: "eth0", up: true })
  let allotted: ReadonlySet<string> | undefined = new Set<string>()
  const changes = yield* SubscriptionRef.make(0)
  const kubelet = Layer.mock(Kubelet, {
    folder: "/nowhere",
    changes: Stream.map(SubscriptionRef.changes(changes), () => undefined),
    allotted: Effect.sync(() => allotted)
  })
  const layer = Layer.merge(kubelet, mockLayer(kernel))
  const links = () =>
    [...kernel.machine.host.links.values()].flatMap(({ alias }) => (alias === "" ? [] : [alias.replace(/.*:/, "")]))
  return {
    links,
    make: (deviceID: string) =>
      Effect.provide(ensureStandalone(offer, deviceID, nodePath("/var/lib/macvtap-cni", deviceID), true), layer),
    checkpoint: (...devices: ReadonlyArray<string>) =>
      Effect.andThen(
        Effect.sync(() => {
          allotted = new Set(devices)
        }),
        SubscriptionRef.update(changes, (n) => n + 1)
      ),
    noCheckpoint: Effect.sync(() => {
      allotted = undefined
    }),
    run: Effect.forkChild(Effect.provide(cleanUp("/nowhere"), layer))
  }
})

describe("standalone links", () => {
  it.effect("stay while the kubelet's checkpoint has them, and a minute longer", () =>
    Effect.gen(function* () {
      const { links, make, checkpoint, run } = yield* scene
      yield* make("tapMvp0")
      yield* make("tapMvp1")
      yield* checkpoint("tapMvp0")
      const fiber = yield* run
      yield* TestClock.adjust("30 seconds")
      assert.deepStrictEqual(links(), ["tapMvp0", "tapMvp1"])
      // Allotted after all: the kubelet had not written it yet.
      yield* checkpoint("tapMvp0", "tapMvp1")
      yield* TestClock.adjust("2 minutes")
      assert.deepStrictEqual(links(), ["tapMvp0", "tapMvp1"])
      yield* checkpoint("tapMvp1")
      yield* TestClock.adjust("59 seconds")
      assert.deepStrictEqual(links(), ["tapMvp0", "tapMvp1"])
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(links(), ["tapMvp1"])
      yield* Fiber.interrupt(fiber)
    })
  )

  it.effect("stay where there is no checkpoint that can be read", () =>
    Effect.gen(function* () {
      const { links, make, noCheckpoint, run } = yield* scene
      yield* make("tapMvp0")
      yield* noCheckpoint
      const fiber = yield* run
      yield* TestClock.adjust("1 hour")
      assert.deepStrictEqual(links(), ["tapMvp0"])
      yield* Fiber.interrupt(fiber)
    })
  )
})
