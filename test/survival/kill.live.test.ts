import { assert, describe, it } from "vitest"
import { bothWays } from "../lab/call/node.ts"
import { ipLink } from "../lab/ip.ts"
import { makeScene, ready, type Scene, times } from "./scene.ts"
import { delays, duration, signalled } from "./sweep.ts"

const minutes = 60_000

/** One call that is not disturbed, and the DEL after it: how long the first takes. */
const wholeAdd = (scene: Scene) =>
  duration(async () => {
    assert.strictEqual((await scene.call("ADD")).status, 0)
    // DEL is counted along: the sweep reaches a little further than it needs to.
    await scene.call("DEL")
  })

describe.skipIf(!ready).each(bothWays)("%s: kill -9", (_, program) => {
  it(
    "at any moment of ADD: after DEL nothing is left, and ADD works again",
    async () => {
      await using scene = await makeScene("e2-kill-add", program)
      let killed = 0
      for (const delay of delays(times(24, 400), await wholeAdd(scene))) {
        const { status } = await scene.call("ADD", { before: signalled("KILL", delay) })
        if (status === 137) killed++
        await scene.clear()
      }
      assert.isAbove(killed, 0)
      assert.strictEqual((await scene.call("ADD")).status, 0)
      await scene.clear()
    },
    10 * minutes
  )

  it(
    "at any moment of DEL: the next DEL leaves nothing",
    async () => {
      await using scene = await makeScene("e2-kill-del", program)
      const whole = await wholeAdd(scene)
      let killed = 0
      for (const delay of delays(times(16, 300), whole)) {
        assert.strictEqual((await scene.call("ADD")).status, 0)
        const { status } = await scene.call("DEL", { before: signalled("KILL", delay) })
        if (status === 137) killed++
        await scene.clear()
      }
      assert.isAbove(killed, 0)
    },
    10 * minutes
  )

  it(
    "at any moment of an import: the device is on the host as it was, or went with DEL",
    async () => {
      await using scene = await makeScene("e2-kill-imp", program)
      const config = { deviceID: "macvtap0" }
      const add = "link add link eth0 name macvtap0 type macvtap mode bridge"
      const whole = await duration(async () => {
        await scene.host.ip(add)
        assert.strictEqual((await scene.call("ADD", { config })).status, 0)
        await scene.clear({ config })
      })
      for (const delay of delays(times(10, 100), whole / 2)) {
        await scene.host.ip(add)
        const before = await ipLink(scene.host.name, "macvtap0")
        await scene.call("ADD", { config, before: signalled("KILL", delay) })
        await scene.clear({ config })
        const after = await ipLink(scene.host.name, "macvtap0")
        if (after !== undefined) {
          assert.deepStrictEqual([after.address, after.mtu, after.flags], [before?.address, before?.mtu, before?.flags])
          await scene.host.ip("link del macvtap0")
        }
      }
    },
    10 * minutes
  )
})

describe.skipIf(!ready).each(bothWays)("%s: SIGTERM", (_, program) => {
  it(
    "at any moment of ADD: success with everything, or failure with nothing, without a DEL",
    async () => {
      await using scene = await makeScene("e2-term-add", program)
      const seen = { finished: 0, stopped: 0 }
      for (const delay of delays(times(24, 300), await wholeAdd(scene))) {
        const before = signalled("TERM", delay)
        const result = await scene.call("ADD", { before })
        const links = await scene.links()
        // timeout(1) says 124 whenever it has sent its signal, so what the plugin said tells how it ended.
        const answer = result.stdout === "" ? undefined : JSON.parse(result.stdout)
        if (answer !== undefined && answer.code === undefined) {
          seen.finished++
          assert.deepStrictEqual(
            links.map((link) => link.ifname),
            ["net1"]
          )
          assert.lengthOf(await scene.reserved(), 1)
        } else {
          seen.stopped++
          assert.deepStrictEqual(links, [], `after ${delay} s: ${result.stdout}`)
          assert.deepStrictEqual(await scene.reserved(), [], `after ${delay} s: ${result.stdout}`)
        }
        await scene.clear()
      }
      assert.isAbove(seen.finished, 0)
      assert.isAbove(seen.stopped, 0)
    },
    10 * minutes
  )
})
