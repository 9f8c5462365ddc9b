/** Clients that are killed, agents that die: nothing is left, and nobody waits. */
import { spawn } from "node:child_process"
import { existsSync } from "node:fs"
import { readdir } from "node:fs/promises"
import { assert, describe, it } from "vitest"
import { type AgentNode, canRunAgent, makeAgentNode } from "../lab/agentNode.ts"
import { names } from "../lab/call/node.ts"
import { makeStub, says } from "../lab/call/stub.ts"
import { assertError, assertResult } from "../lab/call/wellFormed.ts"
import { type RunResult, until } from "../lab/run.ts"

const hasOnlyLo = (agent: AgentNode, what: string) =>
  until(what, async () => (await names(agent.node.pod)).join() === "lo", 15_000)

/** Starts an ADD, and kills its client after so many milliseconds. */
const killedAfter = async (
  agent: AgentNode,
  delay: number,
  signal: "SIGKILL" | "SIGTERM",
  conf = {}
): Promise<void> => {
  const [command = "", ...args] = agent.node.command
  const child = spawn(command, args, { env: agent.node.envOf("ADD"), stdio: ["pipe", "ignore", "ignore"] })
  const ended = new Promise((resolve) => child.on("close", resolve))
  child.stdin.on("error", () => {})
  child.stdin.end(agent.node.stdinOf({ conf }))
  const end = performance.now() + delay
  // A timer is good for a millisecond only.
  while (performance.now() < end) await new Promise(setImmediate)
  child.kill(signal)
  await ended
}

const statusOf = async (agent: AgentNode): Promise<{ readonly running: number; readonly answered: number }> => {
  const status = await agent.folder.status()
  return status.calls
}

describe.skipIf(!canRunAgent)("a client that is killed", () => {
  it("takes its ADD back without a DEL, whenever that is (300 moments)", { timeout: 180_000 }, async () => {
    await using agent = await makeAgentNode()
    const daemon = await agent.folder.start()
    const descriptors = async () => (await readdir(`/proc/${daemon.pid}/fd`)).length
    await agent.node.add()
    await agent.node.silent("DEL")
    await agent.folder.status()
    const before = await descriptors()
    for (let moment = 0; moment < 300; moment++) {
      await killedAfter(agent, (moment % 60) / 8, "SIGKILL")
      if (moment % 10 === 9) {
        // One whose answer was written before the signal came is the runtime's to delete.
        await until("calls end", async () => (await statusOf(agent)).running === 0)
        if ((await names(agent.node.pod)).length > 1) await agent.node.silent("DEL")
        await hasOnlyLo(agent, `nothing is left after moment ${moment}`)
      }
    }
    await until("descriptors are closed", async () => (await descriptors()) <= before)
  })

  it("in the middle of IPAM takes the link back, and the plugin ends by itself", async () => {
    await using agent = await makeAgentNode()
    await using stub = await makeStub({ ADD: `sleep 0.5; echo done >> "$0.done"` })
    await agent.folder.start()
    const conf = { ipam: { type: "stub" } }
    const [command = "", ...args] = agent.node.command
    const child = spawn(command, args, {
      env: agent.node.envOf("ADD", { path: stub.path }),
      stdio: ["pipe", "ignore", "ignore"]
    })
    child.stdin.end(agent.node.stdinOf({ conf }))
    await until("IPAM runs", async () => (await stub.calls()).includes("ADD"))
    child.kill("SIGKILL")
    await hasOnlyLo(agent, "the link is taken back")
    await until("the plugin has ended by itself", () => existsSync(`${stub.folder}/stub.done`))
  })

  it("by SIGTERM says so, and its addresses are released", async () => {
    await using agent = await makeAgentNode()
    await using stub = await makeStub({ ADD: "sleep 0.3" })
    await agent.folder.start()
    const [command = "", ...args] = agent.node.command
    const child = spawn(command, args, { env: agent.node.envOf("ADD", { path: stub.path }), stdio: "pipe" })
    let stdout = ""
    child.stdout.on("data", (chunk) => {
      stdout += chunk
    })
    const ended = new Promise<number | null>((resolve) => child.on("close", resolve))
    child.stdin.end(agent.node.stdinOf({ conf: { ipam: { type: "stub" } } }))
    await until("IPAM runs", async () => (await stub.calls()).includes("ADD"))
    child.kill("SIGTERM")
    assert.strictEqual(await ended, 1)
    assert.strictEqual(assertError(stdout).code, 11)
    assert.deepStrictEqual(await stub.calls(), ["ADD", "DEL"])
    assert.deepStrictEqual(await names(agent.node.pod), ["lo"])
  })
})

describe.skipIf(!canRunAgent)("an agent that dies", () => {
  const load = async (agent: AgentNode, goesOn: () => boolean, workers = 4): Promise<ReadonlyArray<RunResult>> => {
    const results: Array<RunResult> = []
    const work = async (worker: number): Promise<void> => {
      for (let call = 0; goesOn(); call++) {
        const of = { containerID: `c${worker}-${call}`, ifname: `n${worker}` }
        results.push(await agent.node.call("ADD", of))
        const deleted = await agent.node.call("DEL", of)
        assert.strictEqual(deleted.status, 0, deleted.stdout)
      }
    }
    await Promise.all(Array.from({ length: workers }, (_, worker) => work(worker)))
    return results
  }

  it("by SIGTERM, 25 times under load, loses no call", { timeout: 180_000 }, async () => {
    await using agent = await makeAgentNode()
    await agent.addStandalone()
    let daemon = await agent.folder.start()
    let over = false
    const loaded = load(agent, () => !over)
    for (let time = 0; time < 25; time++) {
      // The next one takes the socket before the last one leaves.
      const next = await agent.folder.start()
      process.kill(daemon.pid, "SIGTERM")
      assert.strictEqual(await daemon.ended, 0)
      daemon = next
    }
    over = true
    for (const { status, stdout } of await loaded) {
      assert.strictEqual(status, 0, stdout)
      assertResult(stdout, "1.1.0")
    }
    assert.deepStrictEqual(await names(agent.node.pod), ["lo"])
  })

  it("by SIGKILL, 25 times under load, leaves nothing, and what is answered is true", {
    timeout: 180_000
  }, async () => {
    await using agent = await makeAgentNode()
    await agent.addStandalone()
    let over = false
    let daemon = await agent.folder.start()
    const loaded = load(agent, () => !over)
    for (let time = 0; time < 25; time++) {
      await new Promise((resolve) => setTimeout(resolve, 20 + time * 5))
      process.kill(daemon.pid, "SIGKILL")
      await daemon.ended
      daemon = await agent.folder.start()
    }
    over = true
    const results = await loaded
    for (const { status, stdout } of results) {
      if (status === 0) assertResult(stdout, "1.1.0")
      else assert.strictEqual(assertError(stdout).code, 11)
    }
    assert.isAbove(results.filter(({ status }) => status === 0).length, results.length / 2)
    assert.deepStrictEqual(await names(agent.node.pod), ["lo"])
  })

  it("in the middle of an ADD is answered for with 11; of a DEL, by the executable", async () => {
    await using agent = await makeAgentNode()
    await using stub = await makeStub({
      ADD: "sleep 0.4",
      DEL: `if [ -e "$0.slow" ]; then rm "$0.slow"; sleep 0.4; fi`
    })
    await agent.addStandalone()
    const { node } = agent
    const call = { path: stub.path, conf: { ipam: { type: "stub" } } }
    const during = async (command: "ADD" | "DEL") => {
      const daemon = await agent.folder.start()
      const before = (await stub.calls()).length
      const answer = node.call(command, call)
      await until("IPAM runs", async () => (await stub.calls()).length > before)
      process.kill(daemon.pid, "SIGKILL")
      await daemon.ended
      return answer
    }
    const added = await during("ADD")
    assert.strictEqual(added.status, 1)
    assert.include(assertError(added.stdout).msg, "the agent has ended")
    const { writeFile } = await import("node:fs/promises")
    await writeFile(`${stub.folder}/stub.slow`, "")
    const deleted = await during("DEL")
    assert.deepStrictEqual([deleted.status, deleted.stdout], [0, ""])
    assert.deepStrictEqual(await names(node.pod), ["lo"])
  })

  it("finishes what it has when it is told to end, and takes nothing new", async () => {
    await using agent = await makeAgentNode()
    await using stub = await makeStub({
      ADD: `sleep 0.6\n${says({ cniVersion: "1.1.0", ips: [{ address: "10.1.2.3/24" }] })}`
    })
    const daemon = await agent.folder.start()
    const added = agent.node.call("ADD", { path: stub.path, conf: { ipam: { type: "stub" } } })
    await until("IPAM runs", async () => (await stub.calls()).includes("ADD"))
    process.kill(daemon.pid, "SIGTERM")
    await daemon.line(/1 calls to finish/, 5_000)
    assert.isFalse(existsSync(agent.folder.socket))
    assert.include((await agent.node.fails("STATUS")).msg, "nobody listens")
    assert.strictEqual((await added).status, 0)
    assert.strictEqual(await daemon.ended, 0)
  })
})
