/** The executable is exchanged under running pods: what Go's macvlan made is checked and deleted by ours, and the reverse. */
import { assert, describe, it } from "vitest"
import { bothWays, type Command, makeNode, type Node, names } from "../lab/call/node.ts"
import { makeFolder } from "../lab/folder.ts"
import { ipAddresses } from "../lab/ip.ts"
import { hasDebianPlugins, hasExecutable, hasMacvtap } from "../lab/machine.ts"
import { debianPlugins, inNetns } from "../lab/plugin.ts"
import { run } from "../lab/run.ts"

const theirs = `${debianPlugins}/macvlan`

/** What the program says on stdout, which has to succeed. */
const call = async (node: Node, program: string, command: Command, conf: object): Promise<string> => {
  const [first = "", ...rest] = inNetns(node.host.name, [program])
  const { status, stdout, stderr } = await run(first, rest, {
    env: node.envOf(command),
    stdin: node.stdinOf({ conf })
  })
  assert.strictEqual(status, 0, `${program} ${command}: ${stdout}${stderr}`)
  return stdout
}

describe
  .skipIf(!hasMacvtap || !hasExecutable || !hasDebianPlugins)
  .each(
    bothWays.flatMap(([name, [ours = ""]]) => [
      [`theirs, checked and deleted by ${name}`, theirs, ours] as const,
      [`that of ${name}, checked and deleted by theirs`, ours, theirs] as const
    ])
  )("a link and its address: %s", (_, maker, taker) => {
  it.each(["0.4.0", "1.0.0"])("at %s", async (cniVersion) => {
    await using node = await makeNode()
    await using folder = await makeFolder("pl-swap")
    const conf = {
      cniVersion,
      type: "macvlan",
      ipam: { type: "host-local", dataDir: folder.path, subnet: "10.1.0.0/29", routes: [{ dst: "0.0.0.0/0" }] }
    }
    const prevResult = JSON.parse(await call(node, maker, "ADD", conf))
    await call(node, taker, "CHECK", { ...conf, prevResult })
    await call(node, taker, "DEL", { ...conf, prevResult })
    assert.deepStrictEqual(await names(node.pod), ["lo"])
    // Neither the name nor an address stays taken: there are six, and each round has one. Old runtimes hand no result back.
    for (let round = 0; round < 7; round++) {
      await call(node, maker, "ADD", conf)
      const addresses = await ipAddresses(node.pod.name, "net1")
      assert.lengthOf(
        addresses.filter(({ family }) => family === "inet"),
        1
      )
      await call(node, taker, "DEL", conf)
      assert.deepStrictEqual(await names(node.pod), ["lo"])
    }
  })
})
