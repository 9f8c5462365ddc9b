import { assert, describe, it } from "vitest"
import { bothWays } from "../lab/call/node.ts"
import { documentOf, makeScene, ready, type Scene, times } from "./scene.ts"
import { delays, duration, during } from "./sweep.ts"

const minutes = 60_000

const makeMaster = async (scene: Scene): Promise<void> => {
  await scene.host.ip("link add eth0 type veth peer name wire0")
  await scene.host.ip("link set eth0 up")
  await scene.host.ip("link set wire0 up")
}

const add = async (scene: Scene): Promise<object> => {
  const added = await scene.call("ADD")
  assert.strictEqual(added.status, 0, added.stdout)
  return documentOf(added)
}

/** CHECK with the result of ADD, which holds or says why not. */
const check = async (scene: Scene, prevResult: object): Promise<string> => {
  const result = await scene.call("CHECK", { config: { prevResult } })
  if (result.status !== 0) return String(documentOf(result)["msg"])
  assert.strictEqual(result.stdout, "")
  return "holds"
}

describe.skipIf(!ready).each(bothWays)("%s: a master that", (_, program) => {
  it("disappears takes the link along: CHECK says so, DEL succeeds", async () => {
    await using scene = await makeScene("e2-master", program)
    const prevResult = await add(scene)
    assert.strictEqual(await check(scene, prevResult), "holds")
    await scene.host.ip("link del eth0")
    assert.deepStrictEqual(await scene.links(), [])
    assert.notStrictEqual(await check(scene, prevResult), "holds")
    await scene.clear()
    const again = await scene.call("ADD")
    assert.strictEqual(again.status, 1)
    assert.include(String(documentOf(again)["msg"]), "eth0")
    assert.deepStrictEqual(await scene.reserved(), [])
  })

  it("is recreated has no link of ours: CHECK says so, DEL and ADD succeed", async () => {
    await using scene = await makeScene("e2-master", program)
    const prevResult = await add(scene)
    await scene.host.ip("link del eth0")
    await makeMaster(scene)
    assert.include(await check(scene, prevResult), "net1")
    await scene.clear()
    assert.strictEqual(await check(scene, await add(scene)), "holds")
    await scene.clear()
  })

  it("goes down, or is down from the start, is no reason to fail", async () => {
    await using scene = await makeScene("e2-master", program)
    const prevResult = await add(scene)
    await scene.host.ip("link set eth0 down")
    assert.strictEqual(await check(scene, prevResult), "holds")
    await scene.clear()
    await add(scene)
    await scene.clear()
  })

  it("lowers its MTU clamps the link for good: CHECK holds where the network names no MTU, DEL succeeds", async () => {
    await using scene = await makeScene("e2-master", program)
    const prevResult = await add(scene)
    await scene.host.ip("link set eth0 mtu 1300")
    assert.strictEqual((await scene.links())[0]?.mtu, 1300)
    assert.strictEqual(await check(scene, prevResult), "holds")
    await scene.host.ip("link set eth0 mtu 9000")
    assert.strictEqual(await check(scene, prevResult), "holds")
    await scene.clear()
    assert.strictEqual(await check(scene, await add(scene)), "holds")
    assert.strictEqual((await scene.links())[0]?.mtu, 9000)
    await scene.clear()
  })

  it(
    "disappears under a running ADD ends in one answer, and DEL leaves nothing",
    async () => {
      await using scene = await makeScene("e2-master", program)
      const whole = await duration(async () => {
        await add(scene)
        await scene.call("DEL")
      })
      const seen = { succeeded: 0, failed: 0 }
      for (const delay of delays(times(10, 100), whole / 2)) {
        const result = await during(scene.call("ADD"), delay, () => scene.host.ip("link del eth0"))
        documentOf(result)
        if (result.status === 0) seen.succeeded++
        else {
          seen.failed++
          assert.deepStrictEqual(await scene.reserved(), [], result.stdout)
        }
        await scene.clear()
        await makeMaster(scene)
      }
      assert.isAbove(seen.succeeded + seen.failed, 0)
      await add(scene)
      await scene.clear()
    },
    5 * minutes
  )
})
