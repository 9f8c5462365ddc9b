import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Ref from "effect/Ref"
import * as Stream from "effect/Stream"
import * as SubscriptionRef from "effect/SubscriptionRef"
import * as TestClock from "effect/testing/TestClock"
import { Kubelet } from "../../src/device-plugin/kubelet/Kubelet.ts"
import { cleanUp } from "../../src/device-plugin/offer/cleanUp.ts"
import { ensureStandalone } from "../../src/device-plugin/offer/standalone.ts"
import { nodeFolder, nodePath } from "../../src/devices/resources.ts"
import { reservationLive } from "../../src/live/device/ReservationLive.ts"
import { makeKernel } from "../../src/mock/Kernel.ts"
import { mockLayer } from "../../src/mock/layer.ts"
import { makeFolder } from "../lab/folder.ts"

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
  const folder = yield* Effect.acquireRelease(
    Effect.promise(() => makeFolder("clean-up")),
    (made) => Effect.promise(() => made[Symbol.asyncDispose]())
  )
  const kernel = makeKernel()
  kernel.addLink({ name: "eth0", up: true })
  let allotted: ReadonlySet<string> | undefined = new Set<string>()
  const changes = yield* SubscriptionRef.make(0)
  const kubelet = Layer.mock(Kubelet, {
    folder: "/nowhere",
    changes: Stream.map(SubscriptionRef.changes(changes), () => undefined),
    allotted: Effect.sync(() => allotted)
  })
  const layer = Layer.mergeAll(kubelet, mockLayer(kernel), NodeFileSystem.layer)
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
    run: Effect.forkChild(Effect.provide(cleanUp(folder.path), layer))
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
      yield* settled
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
      yield* settled
      yield* TestClock.adjust("1 hour")
      assert.deepStrictEqual(links(), ["tapMvp0"])
      yield* Fiber.interrupt(fiber)
    })
  )
})

describe("nodes of devices", () => {
  /** Nodes that lead to no link; regular files, for want of root, which are none either. */
  const withNodes = Effect.fnUntraced(function* (boot: string | undefined, ...names: ReadonlyArray<string>) {
    const folder = yield* Effect.acquireRelease(
      Effect.promise(() => makeFolder("nodes")),
      (made) => Effect.promise(() => made[Symbol.asyncDispose]())
    )
    mkdirSync(nodeFolder(folder.path))
    for (const name of names) writeFileSync(`${nodeFolder(folder.path)}/${name}`, "")
    if (boot !== undefined) writeFileSync(`${folder.path}/boot`, boot)
    const allotted = yield* Ref.make<ReadonlySet<string> | undefined>(new Set(["aMvp0"]))
    const kubelet = Layer.mock(Kubelet, {
      folder: "/nowhere",
      changes: Stream.make(undefined).pipe(Stream.concat(Stream.never)),
      allotted: Ref.get(allotted)
    })
    const layer = Layer.mergeAll(
      mockLayer(makeKernel()),
      NodeFileSystem.layer,
      kubelet,
      reservationLive({ stateFolder: folder.path })
    )
    yield* Effect.forkScoped(Effect.provide(cleanUp(folder.path), layer))
    return {
      allotted,
      left: Effect.sync(() => readdirSync(nodeFolder(folder.path)).sort()),
      boot: Effect.sync(() => readFileSync(`${folder.path}/boot`, "utf8"))
    }
  })
  const bootID = readFileSync("/proc/sys/kernel/random/boot_id", "utf8")

  it.effect("stay for as long as the kubelet has their devices allotted, and a minute longer", () =>
    Effect.gen(function* () {
      const { allotted, left } = yield* withNodes(bootID, "aMvp0", "aMvp1", "notes")
      yield* settled
      yield* TestClock.adjust("59 seconds")
      assert.deepStrictEqual(yield* left, ["aMvp0", "aMvp1", "notes"])
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(yield* left, ["aMvp0", "notes"])
      yield* Ref.set(allotted, undefined)
      yield* TestClock.adjust("1 hour")
      assert.deepStrictEqual(yield* left, ["aMvp0", "notes"])
    })
  )

  it.effect("are gone at once after a reboot, and so are half-made ones after a kill", () =>
    Effect.gen(function* () {
      const { left, boot } = yield* withNodes("another boot", "aMvp0", ".aMvp1.x1", ".hidden")
      yield* settled
      assert.deepStrictEqual(yield* left, [".hidden"])
      assert.strictEqual(yield* boot, bootID)
    })
  )

  it.effect("are not, where it is not known which boot they are of", () =>
    Effect.gen(function* () {
      const { left, boot } = yield* withNodes(undefined, "aMvp0")
      yield* settled
      assert.deepStrictEqual(yield* left, ["aMvp0"])
      assert.strictEqual(yield* boot, bootID)
    })
  )
})

/** Files are read and written in real time. */
const settled = Effect.andThen(
  Effect.promise(() => new Promise((resolve) => setTimeout(resolve, 100))),
  TestClock.adjust("1 millis")
)
