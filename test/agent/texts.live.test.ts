/** Texts between a client and the agent, which are in packets where they are short: those of a call are as they were. */
import { spawn } from "node:child_process"
import { setTimeout as pause } from "node:timers/promises"
import { assert, describe, it } from "vitest"
import { type AgentNode, canRunAgent, makeAgentNode } from "../lab/agentNode.ts"
import { makeStub, says } from "../lab/call/stub.ts"

/** Bytes of environment and stdin that are sent within a packet. */
const inPacket = 32_768

/** What a call's texts have as they are. */
const sizeOf = ({ node }: AgentNode, stdin: string): number => {
  const env = Object.entries(node.envOf("ADD")).map(([name, value]) => `${name}=${value}\0`)
  return Buffer.byteLength(env.join("") + stdin)
}

const addAndDelete = async ({ node }: AgentNode, call: { stdin?: string; env?: Record<string, string> }) => {
  const { status, stdout, stderr } = await node.call("ADD", call)
  assert.strictEqual(status, 0, stdout + stderr)
  assert.strictEqual((await node.link())?.address, JSON.parse(stdout).interfaces[0].mac)
  await node.silent("DEL", call)
}

describe.skipIf(!canRunAgent)("a client's texts", () => {
  it("arrive whole, in the packet and beside it", { timeout: 60_000 }, async () => {
    await using agent = await makeAgentNode()
    await agent.folder.start()
    const stdin = JSON.stringify(agent.node.network)
    for (const size of [inPacket - 1, inPacket, inPacket + 1, 60_000, 200_000, 1024 * 1024 - 1]) {
      const blanks = " ".repeat(size - sizeOf(agent, stdin))
      await addAndDelete(agent, { stdin: stdin + blanks })
      // The kernel takes no variable above 128 KiB.
      if (size <= 60_000) await addAndDelete(agent, { stdin, env: { MORE: blanks.slice("MORE=\0".length) } })
    }
    const { msg } = await agent.node.fails("ADD", { stdin: stdin + " ".repeat(1024 * 1024) })
    assert.include(msg, "longer than 1048576 bytes")
    assert.strictEqual((await agent.folder.status()).calls.running, 0)
  })

  it("are what they are, without meaning anything to the conversation", async () => {
    await using agent = await makeAgentNode()
    await using stub = await makeStub({ ADD: says({ cniVersion: "1.1.0", ips: [{ address: "10.1.0.2/24" }] }) })
    await agent.folder.start()
    const conf = { ipam: { type: "stub" }, more: "stop 15\u0000ä\u2028 delivered" }
    await agent.node.add({ conf, path: stub.path, env: { LINES: "a\nb\n", EMPTY: "", ODD: "=x=" } })
    assert.strictEqual(await stub.stdin("ADD"), agent.node.stdinOf({ conf }))
    await agent.node.silent("DEL", { conf, path: stub.path })
  })

  it("have answers of any length, and plugins environments of any length", async () => {
    const args = `IgnoreUnknown=1;MORE=${"x".repeat(100_000)}`
    await using agent = await makeAgentNode()
    await using stub = await makeStub({
      ADD: `[ \${#CNI_ARGS} = ${args.length} ] && ${says({ cniVersion: "1.1.0", ips: [{ address: "10.1.0.2/24" }] })}`
    })
    await agent.folder.start()
    for (const count of [100, 2_000, 15_000]) {
      const interfaces = Array.from({ length: count }, (_, n) => ({ name: `if${n}`, sandbox: "/run/netns/other" }))
      const conf = { ipam: { type: "stub" }, prevResult: { cniVersion: "1.1.0", interfaces } }
      const call = { conf, path: stub.path, args }
      const result = await agent.node.add(call)
      assert.lengthOf(result.interfaces ?? [], count + 1)
      await agent.node.silent("DEL", call)
    }
  })

  it("may come later than the agent waits for them", { timeout: 30_000 }, async () => {
    await using agent = await makeAgentNode()
    await agent.folder.start()
    const { node } = agent
    const [program = "", ...args] = node.command
    const child = spawn(program, args, { env: node.envOf("ADD"), stdio: ["pipe", "pipe", "inherit"] })
    let stdout = ""
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text
    })
    const ended = new Promise((resolve) => child.on("close", resolve))
    child.stdin.write(JSON.stringify(node.network).slice(0, 10))
    await pause(6_500)
    child.stdin.end(JSON.stringify(node.network).slice(10))
    assert.strictEqual(await ended, 0, stdout)
    assert.strictEqual(JSON.parse(stdout).interfaces[0].name, "net1")
    await node.silent("DEL")
  })
})
