/** GC and STATUS on real namespaces, those of processes included. */
import { spawn } from "node:child_process"
import { existsSync } from "node:fs"
import { assert, describe, it } from "vitest"
import { bothWays, type Call, makeNode, type Node, names, programs } from "../lab/call/node.ts"
import { makeFolder } from "../lab/folder.ts"
import { hasDebianPlugins, hasExecutable, hasMacvtap } from "../lab/machine.ts"
import { must, until } from "../lab/run.ts"

const able = hasMacvtap && hasExecutable

/** As runtimes call it: without an attachment. */
const idle = { CNI_CONTAINERID: "", CNI_NETNS: "", CNI_IFNAME: "", CNI_ARGS: "" }

/** A network's name that no other test's GC, at the same time, has. */
const unique = (name: string): string => `${name}-${process.pid}`

const gc = (node: Node, conf: object) => node.silent("GC", { env: idle, conf })

describe.skipIf(!able).each(programs)("%s", (_, program) => {
  it("collects the network's stale links, and no others", async () => {
    await using node = await makeNode(program)
    const [lan, wan] = [unique("lan"), unique("wan")]
    const second = await node.makePod()
    const add = (call: Call) => node.add(call)
    await add({ conf: { name: lan }, ifname: "net1" })
    await add({ conf: { name: lan }, ifname: "net2" })
    await add({ conf: { name: wan }, ifname: "net3" })
    await add({ conf: { name: lan, type: "macvlan" }, ifname: "net4" })
    await add({ conf: { name: lan }, pod: second })
    await node.host.ip(`link add link eth0 name theirs netns ${second.name} type macvtap mode bridge`)
    await gc(node, { name: lan, "cni.dev/valid-attachments": [{ containerID: node.pod.name, ifname: "net2" }] })
    assert.deepStrictEqual(await names(node.pod), ["lo", "net2", "net3", "net4"])
    assert.deepStrictEqual(await names(second), ["lo", "theirs"])
    await gc(node, { name: lan })
    assert.deepStrictEqual(await names(node.pod), ["lo", "net3", "net4"])
    await gc(node, { name: wan, "cni.dev/attachments": [] })
    assert.deepStrictEqual(await names(node.pod), ["lo", "net4"])
  })
})

describe.skipIf(!able).each(bothWays)("%s: GC", (_, program) => {
  it("finds a namespace that only a process is in", async () => {
    await using node = await makeNode(program)
    const name = unique("lan")
    const child = spawn("unshare", ["--net", "sleep", "60"], { stdio: "ignore" })
    try {
      const netns = `/proc/${child.pid}/ns/net`
      const own = await must("readlink", ["/proc/self/ns/net"])
      await until("the process has a namespace of its own", async () => (await must("readlink", [netns])) !== own)
      const inside = async () =>
        JSON.parse(await must("nsenter", [`--net=${netns}`, "ip", "-j", "link"])).map(
          ({ ifname }: { ifname: string }) => ifname
        )
      await node.add({ conf: { name }, env: { CNI_NETNS: netns } })
      assert.include(await inside(), "net1")
      await gc(node, { name })
      assert.notInclude(await inside(), "net1")
    } finally {
      child.kill("SIGKILL")
    }
  })

  it.skipIf(!hasDebianPlugins)("forwards to IPAM, whose error does not keep it from collecting", async () => {
    await using node = await makeNode(program)
    await using folder = await makeFolder("pl-ipam")
    const name = unique("lan")
    const ipam = { type: "host-local", subnet: "10.1.0.0/24", dataDir: folder.path }
    await node.add({ conf: { cniVersion: "1.0.0", name, ipam } })
    assert.isTrue(existsSync(`${folder.path}/${name}/10.1.0.2`))
    const { msg } = await node.fails("GC", { env: idle, conf: { name, ipam: { type: "absent" } } })
    assert.match(msg, /failed to find plugin "absent"/)
    assert.deepStrictEqual(await names(node.pod), ["lo"])
  })

  it("leaves everything where the list of what is valid cannot be read", async () => {
    await using node = await makeNode(program)
    const name = unique("lan")
    await node.add({ conf: { name } })
    await node.fails("GC", { env: idle, conf: { name, "cni.dev/valid-attachments": "all" } })
    assert.deepStrictEqual(await names(node.pod), ["lo", "net1"])
  })
})

describe.skipIf(!able).each(bothWays)("%s: STATUS", (_, program) => {
  it("is silent where an ADD could work, else 50", async () => {
    await using node = await makeNode(program)
    await node.silent("STATUS", { env: idle })
    await node.silent("STATUS", { env: idle, conf: { type: "macvlan" } })
    await node.silent("STATUS", { env: idle, conf: { master: "of-the-pod", linkInContainer: true } })
    // A macvlan without a master takes the default route's link, of which there is none; a macvtap's comes with its pod.
    for (const conf of [{ master: "gone0" }, { type: "macvlan", master: "" }]) {
      assert.strictEqual((await node.fails("STATUS", { env: idle, conf })).code, 50)
    }
    assert.deepStrictEqual(await names(node.host), ["eth0", "lo"])
  })
})
