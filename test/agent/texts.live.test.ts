/** Texts between a client and the agent, which are in packets where they are short: those of a call are as they were. */
import { spawn } from "node:child_process"
import type { Writable } from "node:stream"
import { setTimeout as pause } from "node:timers/promises"
import * as Effect from "effect/Effect"
import { assert, describe, it } from "vitest"
import { askForTrace } from "../../src/agent/conversation/ask.ts"
import { endedToJson } from "../../src/observe/Ended.ts"
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

interface Started {
  readonly stdin: Writable
  readonly ended: Promise<{ readonly status: unknown; readonly stdout: string }>
}

/** An ADD that has begun, and waits for its stdin. */
const startCall = ({ node }: AgentNode): Started => {
  const [program = "", ...args] = node.command
  const child = spawn(program, args, { env: node.envOf("ADD"), stdio: ["pipe", "pipe", "inherit"] })
  let stdout = ""
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text
  })
  return {
    stdin: child.stdin,
    ended: new Promise((resolve) => child.on("close", (status) => resolve({ status, stdout })))
  }
}

const assertAdded = async ({ ended }: Started): Promise<void> => {
  const { status, stdout } = await ended
  assert.strictEqual(status, 0, stdout)
  assert.strictEqual(JSON.parse(stdout).interfaces[0].name, "net1")
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
    await agent.folder.idle()
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
    const stdin = JSON.stringify(agent.node.network)
    const call = startCall(agent)
    call.stdin.write(stdin.slice(0, 10))
    await pause(6_500)
    call.stdin.end(stdin.slice(10))
    await assertAdded(call)
    await agent.node.silent("DEL")
  })

  it("that come in time are heard, though the agent was stopped until it was late", { timeout: 30_000 }, async () => {
    await using agent = await makeAgentNode()
    const daemon = await agent.folder.start()
    const call = startCall(agent)
    await pause(400)
    process.kill(daemon.pid, "SIGSTOP")
    call.stdin.end(JSON.stringify(agent.node.network))
    await pause(5_500)
    process.kill(daemon.pid, "SIGCONT")
    await assertAdded(call)
    await agent.node.silent("DEL")
  })

  it("reach the next agent where the one that they were meant for is killed", async () => {
    await using agent = await makeAgentNode()
    const first = await agent.folder.start()
    process.kill(first.pid, "SIGSTOP")
    const call = startCall(agent)
    await pause(400)
    process.kill(first.pid, "SIGKILL")
    await first.ended
    await agent.folder.start()
    call.stdin.end(JSON.stringify(agent.node.network))
    await assertAdded(call)
    await agent.node.silent("DEL")
  })
})

it.skipIf(!canRunAgent)("a trace is told of whole, however long it is", { timeout: 30_000 }, async () => {
  await using agent = await makeAgentNode()
  await agent.folder.start()
  const traceId = "0af7651916cd43dd8448eb211c80319c"
  const env = { TRACEPARENT: `00-${traceId}-b7ad6b7169203331-01` }
  for (let n = 0; n < 20; n++) await addAndDelete(agent, { env })
  await agent.folder.idle()
  const spans = await Effect.runPromise(askForTrace(agent.folder.socket, traceId))
  assert.lengthOf(
    spans.filter(({ name }) => name === "CNI ADD"),
    20
  )
  assert.isAbove(JSON.stringify(spans.map(endedToJson)).length, 65_536)
})
