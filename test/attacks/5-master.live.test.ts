/** Attack 5: a network whose master is another pod's link, in mode passthru, gets all of that pod's frames. */
import { spawn } from "node:child_process"
import { chown, symlink, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { assert, describe, it } from "vitest"
import { bothWays, type Call, makeNode, type Node, names } from "../lab/call/node.ts"
import { makeFolder } from "../lab/folder.ts"
import { ipLinks } from "../lab/ip.ts"
import { hasExecutable, hasMacvtap, hasPing } from "../lab/machine.ts"
import { underPolicy, underPolicyFile } from "../lab/policy.ts"
import { run } from "../lab/run.ts"
import { tapNode } from "../lab/tap.ts"

/** What the victim sends, in hexadecimal. */
const secret = "feedfacecafebeef"

/** A node with a victim, whose link's other end is `vethvictim` on the host; the attacker's pod is `node.pod`. */
const makeScene = async (program: ReadonlyArray<string>) => {
  const node = await makeNode(program)
  const victim = await node.makePod()
  await node.host.ip(`link add vethvictim type veth peer name eth0 netns ${victim.name}`)
  await node.host.ip("link set vethvictim up")
  await victim.ip("addr add 10.9.0.2/24 dev eth0")
  await victim.ip("link set eth0 up")
  await victim.ip("neigh add 10.9.0.1 lladdr 02:00:00:00:09:01 dev eth0")
  return { node, victim }
}

const attack: Call = { conf: { master: "vethvictim", mode: "passthru" } }

/** Everything that can be read from the attacker's tap while the victim sends, in hexadecimal. */
const readWhileSending = async (node: Node, victim: { readonly name: string }): Promise<string> => {
  const link = await node.link()
  assert.isDefined(link)
  const reader = spawn("timeout", ["2", "cat", link === undefined ? "" : tapNode(link)], {
    stdio: ["ignore", "pipe", "inherit"]
  })
  const frames: Array<Buffer> = []
  reader.stdout.on("data", (chunk: Buffer) => frames.push(chunk))
  const ended = new Promise((resolve) => reader.on("close", resolve))
  await run("ip", ["netns", "exec", victim.name, "ping", "-c", "2", "-W", "1", "-p", secret, "10.9.0.1"])
  await ended
  return Buffer.concat(frames).toString("hex")
}

/** Attempts the attack, which has to be refused in these words, with nothing made anywhere. */
const isRefused = async (node: Node, words: string, call: Call = attack): Promise<void> => {
  const before = (await ipLinks(node.host.name)).map(({ ifname, promiscuity }) => [ifname, promiscuity])
  const error = await node.fails("ADD", call)
  assert.include(error.msg, words)
  assert.deepStrictEqual(await names(node.pod), ["lo"])
  assert.deepStrictEqual(
    (await ipLinks(node.host.name)).map(({ ifname, promiscuity }) => [ifname, promiscuity]),
    before
  )
}

describe.skipIf(!hasExecutable || !hasMacvtap).each(bothWays)(
  "%s: attack 5: another pod's link as master",
  (_, program) => {
    it.skipIf(!hasPing)(
      "gives that pod's frames away without a policy, as SECURITY.md says (iputils-ping)",
      async () => {
        const { node, victim } = await makeScene(program)
        await using _ = node
        await node.add(attack)
        assert.include(await readWhileSending(node, victim), secret)
      }
    )

    it("is refused by a policy that allows every master by a pattern", async () => {
      await using folder = await makeFolder("attack-5")
      const rules = [{ name: "all", masters: ["*"], modes: ["bridge", "passthru"] }]
      const { node } = await makeScene([...(await underPolicy(folder.path, rules)), ...program])
      await using _ = node
      await isRefused(node, 'rule "all" allows "vethvictim" by a pattern only, but its other end is in another network')
      // The node's own uplink in this scene is a cable to another namespace too: it has to be named.
      await isRefused(node, '"eth0" by a pattern only', {})
    })

    it("is refused by a policy that names the uplink, which works", async () => {
      await using folder = await makeFolder("attack-5")
      const rules = [
        { name: "web", namespaces: ["web"], masters: ["eth0"] },
        { name: "routers", namespaces: ["net-*"], masters: ["eth0"], modes: ["passthru"] }
      ]
      const { node } = await makeScene([...(await underPolicy(folder.path, rules)), ...program])
      await using _ = node
      const args = "K8S_POD_NAMESPACE=web"
      await isRefused(node, 'rule "web" allows the masters "eth0", not "vethvictim"', { ...attack, args })
      await isRefused(node, 'rule "web" allows the modes "bridge", "private", "vepa", not "passthru"', {
        args,
        conf: { mode: "passthru" }
      })
      await isRefused(node, "no rule is for a call without K8S_POD_NAMESPACE", {})
      await node.add({ args })
      await node.silent("DEL", { args })
      await node.add({ args: "K8S_POD_NAMESPACE=net-1", conf: { mode: "passthru" } })
    })
  }
)

describe.skipIf(!hasExecutable || !hasMacvtap).each(bothWays)(
  "%s: attack 5: a policy that somebody else could have written",
  (_, program) => {
    const makers: ReadonlyArray<readonly [what: string, make: (file: string) => Promise<unknown>, words: string]> = [
      ["is another user's", (file) => chown(file, 1000, 1000), "belongs to user 1000, but must be root's"],
      ["can be written by all", (file) => run("chmod", ["666", file]), "can be written by others than root (mode 666)"],
      [
        "is a link",
        async (file) => {
          await run("mv", [file, `${file}.there`])
          await symlink(`${file}.there`, file)
        },
        "a part of the path is a symbolic link"
      ],
      [
        "is a FIFO",
        (file) => run("sh", ["-c", `rm ${file} && mkfifo -m 644 ${file}`]),
        "is a FIFO, but must be a regular file"
      ],
      ["has 300 KB", (file) => writeFile(file, " ".repeat(300_000)), "has more than the 262144 bytes"],
      ["is half of one", (file) => writeFile(file, '{"version":1,'), "is not JSON"]
    ]

    it.each(makers)("since it %s, allows nothing, and STATUS is 50", async (_, make, words) => {
      await using folder = await makeFolder("attack-5")
      await underPolicy(folder.path, [{ masters: ["eth0"] }])
      const file = join(folder.path, "policy.json")
      await make(file)
      await using node = await makeNode([...underPolicyFile(file), ...program])
      for (const command of ["ADD", "STATUS"] as const) {
        const error = await node.fails(command)
        assert.strictEqual(error.code, 50)
        assert.include(error.msg, words)
      }
      await node.silent("DEL")
    })
  }
)
