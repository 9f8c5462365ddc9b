import { assert, describe, it } from "vitest"
import { bothWays } from "../lab/call/node.ts"
import { ipLinks } from "../lab/ip.ts"
import { makeNetns, type TestNetns } from "../lab/netns.ts"
import { linkDevice, nodeStatus, tapNode } from "../lab/tap.ts"
import { documentOf, makeScene, ready, type Scene, times } from "./scene.ts"

const minutes = 60_000

/** The pod's link, its node being its own and nobody else's. */
const tapOf = async (scene: Scene, pod: TestNetns): Promise<{ readonly node: string; readonly device: string }> => {
  const [link, ...others] = await scene.links(pod)
  assert.isDefined(link)
  assert.deepStrictEqual(others, [])
  const device = await linkDevice(pod.name, link)
  assert.strictEqual((await nodeStatus(tapNode(link)))?.device, device)
  return { node: tapNode(link), device }
}

const makePods = async (scope: AsyncDisposableStack, count: number): Promise<ReadonlyArray<TestNetns>> => {
  const pods: Array<TestNetns> = []
  for (let i = 0; i < count; i++) pods.push(scope.use(await makeNetns("e2-soak-pod")))
  return pods
}

const hostLinks = async (scene: Scene) => (await ipLinks(scene.host.name)).map((link) => link.ifname).sort()

describe.skipIf(!ready).each(bothWays)("%s: a soak", (_, program) => {
  it(
    "of ADD and DEL, one after another, leaves nothing",
    async () => {
      await using scene = await makeScene("e2-soak", program)
      await using scope = new AsyncDisposableStack()
      const pods = await makePods(scope, 4)
      const before = await hostLinks(scene)
      for (let i = 0; i < times(20, 2000); i++) {
        const pod = pods[i % pods.length]
        assert.isDefined(pod)
        const added = await scene.call("ADD", { pod })
        assert.strictEqual(added.status, 0, added.stdout)
        // Reading every tap would double the time.
        const tap = i % 10 === 0 ? await tapOf(scene, pod) : undefined
        const deleted = await scene.call("DEL", { pod })
        assert.deepStrictEqual([deleted.status, deleted.stdout], [0, ""])
        if (tap !== undefined) assert.isUndefined(await nodeStatus(tap.node))
      }
      for (const pod of pods) assert.deepStrictEqual(await scene.links(pod), [])
      assert.deepStrictEqual(await scene.reserved(), [])
      assert.deepStrictEqual(await hostLinks(scene), before)
    },
    20 * minutes
  )

  it(
    "of concurrent ADDs on one master gives every pod a tap of its own",
    async () => {
      await using scene = await makeScene("e2-crowd", program)
      await using scope = new AsyncDisposableStack()
      const pods = await makePods(scope, times(16, 64))
      const before = await hostLinks(scene)
      const added = await Promise.all(pods.map((pod) => scene.call("ADD", { pod })))
      const addresses = added.map((result) => JSON.stringify(documentOf(result)["ips"]))
      assert.deepStrictEqual(
        added.map((result) => result.status),
        pods.map(() => 0)
      )
      assert.strictEqual(new Set(addresses).size, pods.length)
      const taps = []
      for (const pod of pods) taps.push(await tapOf(scene, pod))
      assert.strictEqual(new Set(taps.map((tap) => tap.node)).size, pods.length)
      assert.strictEqual(new Set(taps.map((tap) => tap.device)).size, pods.length)
      const deleted = await Promise.all(pods.map((pod) => scene.call("DEL", { pod })))
      assert.deepStrictEqual(
        deleted.map((result) => [result.status, result.stdout]),
        pods.map(() => [0, ""])
      )
      for (const pod of pods) assert.deepStrictEqual(await scene.links(pod), [])
      for (const tap of taps) assert.isUndefined(await nodeStatus(tap.node))
      assert.deepStrictEqual(await scene.reserved(), [])
      assert.deepStrictEqual(await hostLinks(scene), before)
    },
    10 * minutes
  )
})
