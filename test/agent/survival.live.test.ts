/** Clients that are killed, agents that die: nothing is left, and nobody waits. */
import { spawn } from "node:child_process"
import { existsSync } from "node:fs"
import { readdir, writeFile } from "node:fs/promises"
import { assert, describe, it } from "vitest"
import { type AgentNode, canRunAgent, makeAgentNode } from "../lab/agentNode.ts"
import { type Call, names } from "../lab/call/node.ts"
import { makeStub, says } from "../lab/call/stub.ts"
import { assertError } from "../lab/call/wellFormed.ts"
import { until } from "../lab/run.ts"
import { nodeStatus, tapNode } from "../lab/tap.ts"
import { delays } from "../survival/sweep.ts"
import { assertNoneLost, startLoad } from "./load.ts"

const hasOnlyLo = (agent: AgentNode, what: string) =>
  until(what, async () => (await names(agent.node.pod)).join() === "lo", 15_000)

/** An ADD that a test can send signals to. */
const startAdd = ({ node }: AgentNode, call: Call = {}) => {
  const [command = "", ...args] = node.command
  const child = spawn(command, args, { env: node.envOf("ADD", call), stdio: "pipe" })
  let stdout = ""
  child.stdout.on("data", (chunk) => {
    stdout += chunk
  })
  child.stdin.on("error", () => {})
  child.stdin.end(node.stdinOf(call))
  const ended = new Promise<{ readonly status: number | null; readonly stdout: string }>((resolve) =>
    child.on("close", (status) => resolve({ status, stdout }))
  )
  return { kill: (signal: NodeJS.Signals) => child.kill(signal), ended }
}

/** Kills an ADD after so many milliseconds; gives what the runtime has been told until then. */
const killedAfter = async (agent: AgentNode, delay: number) => {
  const add = startAdd(agent)
  const end = performance.now() + delay
  // A timer is good for a millisecond only.
  while (performance.now() < end) await new Promise(setImmediate)
  add.kill("SIGKILL")
  return add.ended
}

describe.skipIf(!canRunAgent)("a client that is killed", () => {
  it("takes its ADD back without a DEL, whenever that is (300 moments)", { timeout: 180_000 }, async () => {
    await using agent = await makeAgentNode()
    const { node, folder } = agent
    const daemon = await folder.start()
    const descriptors = async () => (await readdir(`/proc/${daemon.pid}/fd`)).length
    const took: Array<number> = []
    for (let time = 0; time < 5; time++) {
      const start = performance.now()
      assert.strictEqual((await startAdd(agent).ended).status, 0)
      took.push(performance.now() - start)
      await node.silent("DEL")
    }
    const whole = (took.sort((a, b) => a - b)[2] ?? 0) / 1000
    await node.add()
    const link = await node.link()
    const tap = link === undefined ? assert.fail("no link") : tapNode(link)
    await node.silent("DEL")
    await folder.status()
    const before = await descriptors()
    const seen = { untold: 0, told: 0 }
    for (const delay of delays(300, whole)) {
      const { status, stdout } = await killedAfter(agent, delay * 1000)
      if (stdout === "") seen.untold++
      else {
        // The answer was written before the signal came: the attachment is the runtime's to delete.
        seen.told++
        await folder.idle()
        if (status === 0) assert.deepStrictEqual(await names(node.pod), ["lo", "net1"])
        await node.silent("DEL")
      }
      await hasOnlyLo(agent, `nothing is left after ${delay} s`)
      await until("its node is gone", async () => (await nodeStatus(tap)) === undefined)
    }
    assert.isAbove(seen.untold, 50)
    assert.isAbove(seen.told, 0)
    await until("descriptors are closed", async () => (await descriptors()) <= before)
  })

  it("in the middle of IPAM takes the link back, and the plugin ends by itself", async () => {
    await using agent = await makeAgentNode()
    await using stub = await makeStub({ ADD: `sleep 0.5; echo done >> "$0.done"` })
    await agent.folder.start()
    const add = startAdd(agent, { path: stub.path, conf: { ipam: { type: "stub" } } })
    await until("IPAM runs", async () => (await stub.calls()).includes("ADD"))
    add.kill("SIGKILL")
    await hasOnlyLo(agent, "the link is taken back")
    await until("the plugin has ended by itself", () => existsSync(`${stub.folder}/stub.done`))
  })

  it.each(["SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT"] as const)(
    "by %s says so, its addresses are released",
    async (signal) => {
      await using agent = await makeAgentNode()
      await using stub = await makeStub({ ADD: "sleep 0.3" })
      await agent.folder.start()
      const add = startAdd(agent, { path: stub.path, conf: { ipam: { type: "stub" } } })
      await until("IPAM runs", async () => (await stub.calls()).includes("ADD"))
      add.kill(signal)
      const { status, stdout } = await add.ended
      assert.strictEqual(status, 1)
      const { code, msg } = assertError(stdout)
      assert.strictEqual(code, 11)
      assert.include(msg, "signal")
      assert.deepStrictEqual(await stub.calls(), ["ADD", "DEL"])
      assert.deepStrictEqual(await names(agent.node.pod), ["lo"])
    }
  )
})

describe.skipIf(!canRunAgent)("an agent that dies", () => {
  it("50 times under load, by SIGTERM and SIGKILL in turn: only SIGKILL ends calls, with 11; nothing is left", {
    timeout: 180_000
  }, async () => {
    await using agent = await makeAgentNode()
    await agent.addStandalone()
    let daemon = await agent.folder.start()
    const load = startLoad(agent)
    const deaths: Array<{ readonly from: number; readonly to: number }> = []
    for (let time = 0; time < 50; time++) {
      await load.goesOn(3)
      const last = daemon
      if (time % 2 === 0) {
        // The next one takes the socket before the last one leaves.
        daemon = await agent.folder.start()
        process.kill(last.pid, "SIGTERM")
        assert.strictEqual(await last.ended, 0)
        continue
      }
      const from = performance.now()
      process.kill(last.pid, "SIGKILL")
      assert.strictEqual(await last.ended, 137)
      deaths.push({ from, to: performance.now() })
      daemon = await agent.folder.start()
    }
    const results = await load.end()
    const lost = results.filter(({ status }) => status !== 0)
    assertNoneLost(results.filter(({ status }) => status === 0))
    for (const { stdout, begun, ended } of lost) {
      assert.strictEqual(assertError(stdout).code, 11)
      assert.isTrue(deaths.some(({ from, to }) => begun <= to && from <= ended))
    }
    assert.isAbove(results.length, 150)
    assert.deepStrictEqual(await names(agent.node.pod), ["lo"])
    process.kill(daemon.pid, "SIGTERM")
    assert.strictEqual(await daemon.ended, 0)
    assert.deepStrictEqual((await readdir(agent.folder.path)).sort(), ["macvtap", "macvtap-standalone"])
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
