/** How what host access makes on the node begins and ends: with the first pod's ADD, with the last one's DEL, whatever happens. */
import { assert, describe, it } from "vitest"
import { hostLinkMac, hostLinkName } from "../../src/cni/identity/hostAccess.ts"
import { bothWays } from "../lab/call/node.ts"
import { startDaemon } from "../lab/daemon.ts"
import { ipLink } from "../lab/ip.ts"
import { hasDebianPlugins, hasExecutable, hasMacvtap } from "../lab/machine.ts"
import type { TestNetns } from "../lab/netns.ts"
import { inNetns } from "../lab/plugin.ts"
import { run } from "../lab/run.ts"
import { hostLinks, makeScene, node4, pod4, podRoutes, reaches, type Scene, sysctl } from "./scene.ts"

/** Everything of the host's that is not another's: without counters, and what goes on by itself. */
const hostState = async ({ host }: Scene): Promise<string> =>
  [await host.ip("addr show"), await host.ip("-4 route show table all"), await host.ip("-6 route show table all")]
    .join("\n")
    .replaceAll(/ (tentative|nodad)|^.*fe80::.*$|_lft \w+|^.*ff00::.*$/gm, "")
    .replaceAll(/\n+/g, "\n")
    .trim()

const routesOf = async (scene: Scene, address: string): Promise<ReadonlyArray<string>> =>
  (await podRoutes(scene)).filter((line) => line.startsWith(`${address} `))

const nothingLeft = async (scene: Scene): Promise<void> => {
  assert.deepStrictEqual(await podRoutes(scene), [])
  assert.deepStrictEqual(
    (await hostLinks(scene)).map(({ ifname }) => ifname),
    []
  )
}

const able = hasMacvtap && hasExecutable && hasDebianPlugins

describe.skipIf(!able).concurrent.each(bothWays)("%s: host access", (_, program) => {
  it("is shared: the first DEL takes its own routes, the last one the link, and the host is as it was", async () => {
    await using scene = await makeScene(program)
    const before = await hostState(scene)
    const conf = scene.conf()
    const other = await scene.makePod()
    await scene.add({ conf })
    const [link] = await hostLinks(scene)
    await scene.add({ pod: other, conf })
    assert.strictEqual((await podRoutes(scene)).length, 4)
    await scene.silent("DEL", { conf })
    await scene.silent("DEL", { conf })
    assert.deepStrictEqual(await routesOf(scene, pod4), [])
    assert.strictEqual((await podRoutes(scene)).length, 2)
    assert.strictEqual((await hostLinks(scene))[0]?.ifindex, link?.ifindex)
    assert.isTrue(await reaches(other, node4))
    await scene.silent("DEL", { pod: other, conf })
    await nothingLeft(scene)
    assert.strictEqual(await hostState(scene), before)
  })

  it("ends by a DEL that knows nothing of the pod: no namespace, no prevResult, no link", async () => {
    await using scene = await makeScene(program)
    await scene.add({ conf: scene.conf() })
    await scene.host.ip(`netns del ${scene.pod.name}`)
    assert.strictEqual((await podRoutes(scene)).length, 2)
    await scene.silent("DEL", { conf: scene.conf(), env: { CNI_NETNS: "" } })
    await nothingLeft(scene)
  })

  it("64 pods at once have one link and a route each, and leave nothing, half of them going while the others come", async () => {
    await using scene = await makeScene(program)
    const pods: Array<TestNetns> = []
    for (let i = 0; i < 64; i++) pods.push(await scene.makePod())
    const conf = scene.conf([4])
    const [early, late] = [pods.slice(0, 32), pods.slice(32)]
    const add = (pod: TestNetns) => scene.add({ pod, conf })
    const del = (pod: TestNetns) => scene.silent("DEL", { pod, conf })
    await Promise.all(pods.map(add))
    assert.strictEqual((await podRoutes(scene)).length, 64)
    assert.strictEqual((await hostLinks(scene)).length, 1)
    await Promise.all(pods.map(del))
    await nothingLeft(scene)
    // The last DEL and the first ADD get in each other's way.
    await Promise.all(early.map(add))
    await Promise.all([...early.map(del), ...late.map(add)])
    assert.strictEqual((await podRoutes(scene)).length, 32)
    for (const pod of late.slice(0, 4)) assert.isTrue(await reaches(pod, node4), pod.name)
    await Promise.all(late.map(del))
    await nothingLeft(scene)
  }, 120_000)

  it("of an ADD whose answer nobody takes is taken back, another's stays", async () => {
    await using scene = await makeScene(program)
    const conf = scene.conf()
    const unread = async () => {
      const [first = "", ...rest] = inNetns(scene.host.name, ["sh", "-c", `exec "$0" >&-`, ...program])
      const { status, stderr } = await run(first, rest, { env: scene.envOf("ADD"), stdin: scene.stdinOf({ conf }) })
      assert.strictEqual(status, 1, stderr)
    }
    await unread()
    await nothingLeft(scene)
    const other = await scene.makePod()
    await scene.add({ pod: other, conf })
    const before = await podRoutes(scene)
    await unread()
    assert.deepStrictEqual(await podRoutes(scene), before)
    assert.isTrue(await reaches(other, node4))
  })

  it("never takes a link that is another's: an error that names it, and nothing is made", async () => {
    await using scene = await makeScene(program)
    const eth0 = await ipLink(scene.host.name, "eth0")
    const name = hostLinkName({ index: eth0?.ifindex ?? 0 })
    await scene.host.ip(`link add link eth0 name ${name} type macvlan mode bridge`)
    const error = await scene.fails("ADD", { conf: scene.conf() })
    assert.strictEqual(error.code, 7)
    assert.include(error.msg, `link "${name}" of the node is not the one that "hostAccess" makes on "eth0"`)
    assert.include(error.details ?? "", `ip link del ${name}`)
    assert.deepStrictEqual(
      (await hostLinks(scene)).map(({ ifname, flags }) => [ifname, flags.includes("UP")]),
      [[name, false]]
    )
    assert.isUndefined(await scene.link())
  })

  it("finishes a link whose ADD was killed right after it was made", async () => {
    await using scene = await makeScene(program)
    const eth0 = await ipLink(scene.host.name, "eth0")
    const name = hostLinkName({ index: eth0?.ifindex ?? 0 })
    const mac = hostLinkMac({ mac: eth0?.address ?? "" })
    await scene.host.ip(`link add link eth0 name ${name} address ${mac} type macvlan mode bridge`)
    await scene.add({ conf: scene.conf() })
    assert.isTrue(await reaches(scene.pod, node4))
    await scene.silent("DEL", { conf: scene.conf() })
    await nothingLeft(scene)
  })

  it("waits for whoever has the node's namespace, and says so when he does not let go", async () => {
    await using scene = await makeScene(program)
    const held = () => {
      const script = "exec 9</proc/self/ns/net; flock 9; echo locked; exec sleep 60"
      return startDaemon("ip", ["netns", "exec", scene.host.name, "sh", "-c", script])
    }
    {
      await using other = held()
      await other.line(/locked/, 10_000)
      const waiting = scene.add({ conf: scene.conf() })
      await new Promise((resolve) => setTimeout(resolve, 500))
      assert.deepStrictEqual(await podRoutes(scene), [])
      await other[Symbol.asyncDispose]()
      await waiting
    }
    await scene.silent("DEL", { conf: scene.conf() })
    await using other = held()
    await other.line(/locked/, 10_000)
    const error = await scene.fails("ADD", { conf: scene.conf() })
    assert.deepStrictEqual([error.code, error.msg], [11, `"hostAccess": the node's network namespace is locked`])
    await nothingLeft(scene)
  })

  it("keeps to its master: what another network has on another stays", async () => {
    await using scene = await makeScene(program)
    await scene.host.ip("link add eth9 type veth peer name wire9")
    for (const name of ["eth9", "wire9"]) await scene.host.ip(`link set ${name} up`)
    await sysctl(scene.host, "net.ipv6.conf.all.accept_dad=0")
    const conf = scene.conf([4])
    const other = await scene.makePod()
    await scene.add({ conf })
    await scene.add({ pod: other, conf: { ...conf, name: "second", master: "eth9" } })
    const masters = async () => (await hostLinks(scene)).flatMap(({ ifalias, link }) => (ifalias ? [link] : [])).sort()
    assert.deepStrictEqual(await masters(), ["eth0", "eth9"])
    await scene.silent("DEL", { conf })
    assert.deepStrictEqual(await masters(), ["eth9"])
    assert.strictEqual((await podRoutes(scene)).length, 1)
  })
})

// Not beside the others, whose networks have the same name: GC looks everywhere.
describe.skipIf(!able).each(bothWays)("%s: host access", (_, program) => {
  it("that somebody broke is found by CHECK and mended by GC, which also takes what no pod has any more", async () => {
    await using scene = await makeScene(program)
    const conf = scene.conf()
    const prevResult = await scene.add({ conf })
    const gone = await scene.makePod()
    await scene.add({ pod: gone, conf })
    await scene.host.ip(`netns del ${gone.name}`)
    const valid = { "cni.dev/valid-attachments": [{ containerID: scene.pod.name, ifname: "net1" }] }
    const check = { conf: { ...conf, prevResult } }
    const gc = { conf: { ...conf, cniVersion: "1.1.0", ipam: undefined, ...valid } }
    const [link] = await hostLinks(scene)
    const breaks: ReadonlyArray<readonly [act: string, says: string]> = [
      [`link del ${link?.ifname}`, `has no link "${link?.ifname}"`],
      [`link set ${link?.ifname} down`, "is down"],
      [`addr del ${node4}/32 dev ${link?.ifname}`, `lacks ${node4}`],
      [`route del ${pod4} dev ${link?.ifname}`, `no route to ${pod4}`]
    ]
    for (const [act, says] of breaks) {
      await scene.host.ip(act)
      assert.include((await scene.fails("CHECK", check)).msg, says)
      await scene.silent("GC", gc)
      await scene.silent("CHECK", check)
      assert.isTrue(await reaches(scene.host, pod4), act)
      assert.strictEqual((await podRoutes(scene)).length, 2)
    }
    await scene.silent("DEL", { conf })
    await nothingLeft(scene)
  })
})
