/** What the kubelet is answered before a container starts: whether the device's node leads to the device's own link. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as SubscriptionRef from "effect/SubscriptionRef"
import { makeAnswers } from "../../src/device-plugin/endpoint/answers.ts"
import type { Offer } from "../../src/device-plugin/offer/Offer.ts"
import { deviceIndex } from "../../src/devices/deviceID.ts"
import { defaultStateFolder, nodePath } from "../../src/devices/resources.ts"
import { macvtap } from "../../src/link/macvtap.ts"
import { makeKernel } from "../../src/mock/Kernel.ts"
import { mockLayer } from "../../src/mock/layer.ts"

const deviceID = "dataplaneMvp0"
const index = deviceIndex({ resource: "dataplane", ordinal: 0 })
const node = nodePath(defaultStateFolder, deviceID)

const offer: Offer = {
  name: "dataplane",
  lowerDevice: "eth0",
  present: true,
  mode: "bridge",
  capacity: 4,
  standalone: false,
  numaNodes: []
}

describe("before a container starts", () => {
  const scene = () => {
    const kernel = makeKernel()
    kernel.addLink({ name: "eth0", index: 2 })
    const start = (devicesIds: Array<string>) =>
      Effect.gen(function* () {
        const answers = yield* makeAnswers(defaultStateFolder, yield* SubscriptionRef.make(offer))
        return yield* answers.preStart({ devicesIds })
      }).pipe(
        Effect.match({ onSuccess: () => "started", onFailure: ({ code, message }) => `${code}: ${message}` }),
        Effect.provide(mockLayer(kernel))
      )
    return { kernel, start }
  }

  it.effect("a device without a link is refused", () =>
    Effect.gen(function* () {
      assert.match(yield* scene().start([deviceID]), /^FAILED_PRECONDITION: device dataplaneMvp0 has no link/)
    })
  )

  it.effect("a device whose node leads to no link of its own is refused", () =>
    Effect.gen(function* () {
      const { kernel, start } = scene()
      kernel.inside().linkAdd({ kind: macvtap, name: "theirs", parent: 2, index })
      kernel.machine.stateFolder.nodes.set(node, { device: "246:77", owner: 107, group: 107, mode: 0o660 })
      const said = yield* start([deviceID])
      assert.match(said, /^FAILED_PRECONDITION: device \S+ has no link: /)
      assert.include(said, `Of its ifindex ${index} is another link, in namespace "/proc/1/ns/net"`)
    })
  )

  it.effect("a device whose number and ifindex another's link has is refused, which says whose that is", () =>
    Effect.gen(function* () {
      const { kernel, start } = scene()
      const [own, other] = ["/run/netns/own", "/run/netns/other"]
      for (const path of [own, other]) kernel.addNetns(path)
      kernel.addLink({ netns: other, name: "under", kind: "dummy" })
      const inOther = kernel.inside(other)
      inOther.linkAdd({ kind: macvtap, name: "x", parent: inOther.link("under").index, index })
      const { device = "" } = kernel.machine.devtmpfs?.get(`/dev/tap${index}`) ?? {}
      kernel.machine.stateFolder.nodes.set(node, { device, owner: 107, group: 107, mode: 0o660 })
      const claimed = (path: string) => {
        const netnsID = [...kernel.machine.netnses].find(({ paths }) => paths.has(path))?.id ?? ""
        kernel.machine.claims.set(device, { alias: "macvtap-cni:lan/c1/net1", netnsID, netnsPath: path })
      }
      claimed(own)
      const said = yield* start([deviceID])
      assert.match(said, /^FAILED_PRECONDITION: device dataplaneMvp0 has another's link: link "x"/)
      for (const part of [other, own, "macvtap-cni:lan/c1/net1", "by what its ADD wrote down"])
        assert.include(said, part)
      claimed(other)
      assert.strictEqual(yield* start([deviceID]), "started")
    })
  )

  it.effect("a device whose node is its link's is started, and a stranger's never", () =>
    Effect.gen(function* () {
      const { kernel, start } = scene()
      kernel.inside().linkAdd({ kind: macvtap, name: "own", parent: 2, index })
      const { device = "" } = kernel.machine.devtmpfs?.get(`/dev/tap${index}`) ?? {}
      kernel.machine.stateFolder.nodes.set(node, { device, owner: 107, group: 107, mode: 0o660 })
      assert.strictEqual(yield* start([deviceID]), "started")
      assert.match(yield* start(["otherMvp0"]), /^INVALID_ARGUMENT: otherMvp0 is no device of/)
    })
  )
})
