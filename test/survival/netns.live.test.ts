import { assert, describe, it } from "vitest"
import { bothWays } from "../lab/call/node.ts"
import { ipLink } from "../lab/ip.ts"
import { makeNetns } from "../lab/netns.ts"
import { until } from "../lab/run.ts"
import { documentOf, makeScene, ready, type Scene, times } from "./scene.ts"
import { delays, duration, during } from "./sweep.ts"

const minutes = 60_000

/** A veth between host and pod: its host end goes when the kernel has really taken the pod's namespace apart. */
const makeWitness = async (scene: Scene) => {
  const pod = await makeNetns("e2-gone-pod")
  await pod.ip(`link add inside0 type veth peer name witness0 netns ${scene.host.name}`)
  return pod
}

describe.skipIf(!ready).each(bothWays)("%s: a namespace that disappears", (_, program) => {
  it("between ADD and DEL is none to clear, but its address is released", async () => {
    await using scene = await makeScene("e2-gone", program)
    await using pod = await makeWitness(scene)
    assert.strictEqual((await scene.call("ADD", { pod })).status, 0)
    assert.lengthOf(await scene.reserved(), 1)
    await pod[Symbol.asyncDispose]()
    const deleted = await scene.call("DEL", { pod })
    assert.deepStrictEqual([deleted.status, deleted.stdout], [0, ""])
    assert.deepStrictEqual(await scene.reserved(), [])
  })

  it(
    "under a running call ends in one answer; nothing holds it, and DEL releases its address",
    async () => {
      await using scene = await makeScene("e2-gone", program)
      const whole = await duration(async () => {
        assert.strictEqual((await scene.call("ADD")).status, 0)
        await scene.call("DEL")
      })
      for (const delay of delays(times(10, 100), whole / 2)) {
        await using pod = await makeWitness(scene)
        documentOf(await during(scene.call("ADD", { pod }), delay, () => pod[Symbol.asyncDispose]()))
        const deleted = await scene.call("DEL", { pod })
        assert.deepStrictEqual([deleted.status, deleted.stdout], [0, ""])
        assert.deepStrictEqual(await scene.reserved(), [])
        await until("the namespace is gone", async () => (await ipLink(scene.host.name, "witness0")) === undefined)
      }
    },
    5 * minutes
  )

  it(
    "under a running DEL: DEL succeeds",
    async () => {
      await using scene = await makeScene("e2-gone", program)
      for (const delay of delays(times(6, 50), 0.05)) {
        await using pod = await makeWitness(scene)
        assert.strictEqual((await scene.call("ADD", { pod })).status, 0)
        const deleted = await during(scene.call("DEL", { pod }), delay, () => pod[Symbol.asyncDispose]())
        assert.deepStrictEqual([deleted.status, deleted.stdout], [0, ""])
        assert.deepStrictEqual(await scene.reserved(), [])
        await until("the namespace is gone", async () => (await ipLink(scene.host.name, "witness0")) === undefined)
      }
    },
    5 * minutes
  )
})
