/** Delegates that are older than the network's version, or not there: Debian's host-local 1.1.1 does not speak CNI 1.1.0. */
import { assert, describe, it } from "vitest"
import { bothWays, makeNode, names } from "../lab/call/node.ts"
import { hasDebianPlugins, hasExecutable, hasMacvtap } from "../lab/machine.ts"
import { debianPlugins } from "../lab/plugin.ts"
import { run } from "../lab/run.ts"

const ipam = { type: "host-local", subnet: "10.1.0.0/24" }

/** Whether it answers a configuration of 1.1.0; newer ones than Debian 12's do. */
const speaks110 = async (): Promise<boolean> => {
  const stdin = JSON.stringify({ cniVersion: "1.1.0", name: "lan", type: "macvtap", ipam })
  const env = { CNI_COMMAND: "DEL", CNI_CONTAINERID: "c", CNI_NETNS: "", CNI_IFNAME: "net1", CNI_PATH: debianPlugins }
  return !(await run(`${debianPlugins}/host-local`, [], { env, stdin })).stdout.includes("incompatible CNI versions")
}

const able = hasMacvtap && hasExecutable && hasDebianPlugins
const old = able && !(await speaks110())

describe.skipIf(!old).each(bothWays)(
  `%s: a delegate that is too old${able && !old ? " (skipped: this host-local speaks 1.1.0)" : ""}`,
  (_, program) => {
    it("is named by ADD, with what to set, and nothing is left nor said besides", async () => {
      await using node = await makeNode(program)
      const { status, stdout, stderr } = await node.call("ADD", { conf: { ipam } })
      const { code, msg, details } = JSON.parse(stdout)
      assert.deepStrictEqual([status, code, stderr], [1, 1, ""])
      assert.strictEqual(msg, `IPAM plugin "host-local" does not speak CNI 1.1.0: incompatible CNI versions`)
      assert.include(details, `set the network's "cniVersion" to "1.0.0", or install a newer "host-local"`)
      assert.deepStrictEqual(await names(node.pod), ["lo"])
    })

    it("does not keep GC from its own work", async () => {
      await using node = await makeNode(program)
      // GC looks into every namespace of the machine: the network is no other test's.
      const name = `outdated-${process.pid}`
      await node.add({ conf: { name } })
      await node.silent("GC", { conf: { name, ipam, "cni.dev/valid-attachments": [] } })
      assert.deepStrictEqual(await names(node.pod), ["lo"])
    })

    it("fails STATUS, since an ADD would fail", async () => {
      await using node = await makeNode(program)
      const { msg } = await node.fails("STATUS", { conf: { ipam } })
      assert.strictEqual(msg, `IPAM plugin "host-local" does not speak CNI 1.1.0: unknown CNI_COMMAND: STATUS`)
    })
  }
)

describe.skipIf(!able).each(bothWays)("%s: a delegate that is not there", (_, program) => {
  it("is said once, in the error", async () => {
    await using node = await makeNode(program)
    const { status, stdout, stderr } = await node.call("ADD", { conf: { ipam: { type: "nowhere" } } })
    assert.deepStrictEqual([status, stderr], [1, ""])
    assert.include(JSON.parse(stdout).msg, `failed to find plugin "nowhere"`)
  })
})

describe.skipIf(!able).each(bothWays)("%s: a node without a default route", (_, program) => {
  it("is told to a macvlan without words that do not concern it; a macvtap does not ask for it", async () => {
    await using node = await makeNode(program)
    const told = await node.fails("ADD", { conf: { type: "macvlan", master: undefined } })
    assert.strictEqual(told.msg, "no default route interface found")
    assert.include(told.details ?? "", `set "master"`)
    assert.notInclude(told.details ?? "", "device plugin")
    const asked = await node.fails("ADD", { conf: { type: "macvtap", master: undefined } })
    assert.include(asked.msg, `a macvtap needs "master" or "deviceID"`)
  })
})
