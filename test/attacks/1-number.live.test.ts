/** Attack 1: a pod keeps the node of a tap that is gone, and waits for the next pod to get that number. */
import { readdirSync, statSync, symlinkSync, writeFileSync } from "node:fs"
import { assert, describe, it } from "vitest"
import type { Node } from "../lab/call/node.ts"
import { bothWays } from "../lab/call/node.ts"
import { startDaemon } from "../lab/daemon.ts"
import { ipLinks } from "../lab/ip.ts"
import { hasExecutable, hasMacvtap, hasPing } from "../lab/machine.ts"
import type { TestNetns } from "../lab/netns.ts"
import { run } from "../lab/run.ts"
import { tapNode } from "../lab/tap.ts"
import { keepNode, makeScene, nextNumber, numberOf, readMeanwhile, tapBehind } from "./scene.ts"

/** What the victim is sent, in hexadecimal. */
const secret = "feedfacecafebeef"

/** Frames from behind the wire to the link of that MAC address, whether or not anybody answers. */
const sendTo = async (node: Node, mac: string) => {
  await node.wire.ip("addr replace 10.9.0.1/24 dev wire0")
  await node.wire.ip(`neigh replace 10.9.0.2 lladdr ${mac} dev wire0`)
  return () => run("ip", ["netns", "exec", node.wire.name, "ping", "-c", "2", "-W", "1", "-p", secret, "10.9.0.2"])
}

/** Other programs of the machine make taps too, and may be faster: tries until `isSo` of what came of it. */
const untilItComes = async <A>(attempt: () => Promise<A | undefined>): Promise<A> => {
  for (let turn = 0; turn < 10; turn++) {
    const result = await attempt()
    if (result !== undefined) return result
  }
  return assert.fail("the number was somebody else's, ten times in a row")
}

const reversed = <A>(list: ReadonlyArray<A>): ReadonlyArray<A> => [...list].reverse()

describe.skipIf(!hasExecutable || !hasMacvtap).each(bothWays)(
  "%s: attack 1: a number that a former link's node opens",
  (_, program) => {
    it.skipIf(!hasPing)("is not given to the next pod, whose frames nobody else reads (iputils-ping)", async () => {
      await using scene = await makeScene(program)
      const { node } = scene
      const [victim, prober] = [await node.makePod(), await node.makePod()]
      const old = await untilItComes(async () => {
        await node.add()
        const number = await numberOf(node)
        // The first pod is root in its namespace.
        await node.pod.ip("link del net1")
        if ((await nextNumber(node, prober)) === number) return number
        await node.silent("DEL")
        return undefined
      })
      const kept = await keepNode(scene.folder, old)
      await node.add({ pod: victim })
      const link = await node.link({ pod: victim })
      if (link === undefined) assert.fail("no link")
      const send = await sendTo(node, link.address)
      // Of another program's tap nothing is read here.
      const behind = await tapBehind(old)
      if (behind === undefined || behind === `tap${link.ifindex}`) {
        assert.notInclude(await readMeanwhile(kept, send), secret)
      }
      assert.notStrictEqual(await numberOf(node, { pod: victim }), old)
      assert.include(await readMeanwhile(tapNode(link), send), secret, "the frames do come")
    })

    it("that is held back meanwhile is nobody's when the process is killed", async () => {
      await using scene = await makeScene(program)
      const { node } = scene
      await node.add()
      const [major] = (await numberOf(node)).split(":")
      await node.silent("DEL")
      const { dev, ino } = statSync(node.wire.path)
      const claim = `${dev}:${ino} macvtap-cni:lan/somebody/net1 ${node.wire.path}`
      for (let minor = 1; minor <= 600; minor++) symlinkSync(claim, `${scene.claims}/${major}:${minor}`)
      const held = (): ReadonlyArray<string> =>
        readdirSync("/dev").filter((name) => {
          const index = Number(/^tap(\d+)$/.exec(name)?.[1])
          return index >= 2 ** 28 && index < 2 ** 29
        })
      const stdin = `${scene.folder}/stdin`
      writeFileSync(stdin, node.stdinOf())
      const words = ["-c", 'exec "$@" <"$0"', stdin, ...node.command]
      const daemon = startDaemon("sh", words, { env: node.envOf("ADD") })
      const until = Date.now() + 20_000
      while (held().length < 20 && Date.now() < until) await new Promise((resolve) => setTimeout(resolve, 5))
      assert.isAtLeast(held().length, 20, "placeholders")
      process.kill(daemon.pid, "SIGKILL")
      await daemon.ended
      while (held().length > 0 && Date.now() < until) await new Promise((resolve) => setTimeout(resolve, 20))
      assert.deepStrictEqual(held(), [])
      for (const netns of [node.host, node.pod, node.wire]) {
        assert.isEmpty((await ipLinks(netns.name)).filter(({ ifname }) => ifname.startsWith("mvh")))
      }
    })

    it("is given again when the runtime has taken the first pod's attachment back", async () => {
      await using scene = await makeScene(program)
      const { node } = scene
      const [next, prober] = [await node.makePod(), await node.makePod()]
      await untilItComes(async () => {
        await node.add()
        const number = await numberOf(node)
        await node.pod.ip("link del net1")
        assert.include(readdirSync(scene.claims), number)
        await node.silent("DEL")
        assert.deepStrictEqual(readdirSync(scene.claims), [])
        if ((await nextNumber(node, prober)) !== number) return undefined
        await node.add({ pod: next })
        const isIt = (await numberOf(node, { pod: next })) === number
        await node.silent("DEL", { pod: next })
        return isIt ? true : undefined
      })
    })

    it("leads to the right pod's link or to nobody's, when the lower device went and came back under 20 pods", {
      timeout: 120_000
    }, async () => {
      await using scene = await makeScene(program)
      const { node } = scene
      const makePods = () => Promise.all(Array.from({ length: 20 }, () => node.makePod()))
      const firsts = await makePods()
      const seconds = await makePods()
      /** Whoever had the number can have kept its node. */
      const owners = new Map<string, TestNetns>()
      const addAll = async (pods: ReadonlyArray<TestNetns>) => {
        await Promise.all(pods.map((pod) => node.add({ pod })))
        for (const pod of pods) {
          const number = await numberOf(node, { pod })
          const owner = owners.get(number) ?? pod
          assert.strictEqual(owner.name, pod.name, `the number ${number}`)
          owners.set(number, pod)
        }
      }
      await addAll(firsts)
      await node.host.ip("link del eth0")
      await node.host.ip(`link add eth0 type veth peer name wire0 netns ${node.wire.name}`)
      await node.host.ip("link set eth0 up")
      await addAll(reversed(seconds))
      for (const pod of firsts) assert.isUndefined(await node.link({ pod }))
      // The runtime makes the first pods' attachments anew.
      for (const pod of firsts) await node.silent("DEL", { pod })
      for (const [number, pod] of owners) if (firsts.includes(pod)) owners.delete(number)
      await addAll(reversed(firsts))
      assert.strictEqual(owners.size, 40)
      for (const [number, pod] of owners) {
        assert.strictEqual(await tapBehind(number), `tap${(await node.link({ pod }))?.ifindex}`)
      }
    })
  }
)
