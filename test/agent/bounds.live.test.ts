/** What a client may cost, and who may be one. */
import { assert, describe, it } from "vitest"
import { canRunAgent, makeAgentNode } from "../lab/agentNode.ts"
import { type Call, type Node, names } from "../lab/call/node.ts"
import { makeStub, says } from "../lab/call/stub.ts"
import { assertError } from "../lab/call/wellFormed.ts"
import type { TestNetns } from "../lab/netns.ts"
import { run, until } from "../lab/run.ts"
import { callDescriptors, callPacket, connect, nextPacket, sendCall } from "./handmade.ts"

/** An IPAM plugin that takes so many seconds. */
const slowStub = (seconds: number) =>
  makeStub({ ADD: `sleep ${seconds}\n${says({ cniVersion: "1.1.0", ips: [{ address: "10.1.2.3/24" }] })}` })

const conf = { ipam: { type: "stub" } }

const makePods = (node: Node, count: number): Promise<ReadonlyArray<TestNetns>> =>
  Promise.all(Array.from({ length: count }, () => node.makePod()))

/**
 * 50 ADDs, ten at once, each within 3 seconds, which is many times what it takes on an idle machine: while `slow` calls go
 * on, of which none has ended before the last of the 50. Their DELs follow.
 */
const fiftyPass = async (node: Node, pods: ReadonlyArray<TestNetns>, slow: ReadonlyArray<Promise<unknown>>) => {
  let ended = 0
  let failure: unknown
  for (const call of slow) {
    const count = () => void ended++
    call.then(count, (reason: unknown) => {
      failure ??= reason
      count()
    })
  }
  const rounds = Array.from({ length: 5 }, (_, round) => pods.map((pod): Call => ({ pod, ifname: `n${round}` })))
  for (const round of rounds) {
    await Promise.all(
      round.map(async (call) => {
        const begun = performance.now()
        await node.add(call)
        assert.isBelow(performance.now() - begun, 3_000)
      })
    )
  }
  if (failure !== undefined) throw failure
  assert.strictEqual(ended, 0, "no slow call has ended before")
  await Promise.all(rounds.flat().map((call) => node.silent("DEL", call)))
}

// What they cost is time: they wait beside each other.
describe.skipIf(!canRunAgent).concurrent("a client (a C compiler, root and macvtap)", () => {
  it("that takes its time holds up no other: IPAM for 30 s, duplicate address detection, deletions", {
    timeout: 120_000
  }, async () => {
    await using agent = await makeAgentNode()
    await using stub = await slowStub(60)
    const { node, folder } = agent
    await folder.start()
    const pods = await makePods(node, 10)

    const begun = performance.now()
    const hang = (await makePods(node, 8)).map((pod) => node.call("ADD", { pod, path: stub.path, conf }))
    await until("IPAM runs", async () => (await stub.calls()).length === hang.length)
    await fiftyPass(node, pods, hang)

    const addressOf = (index: number) => ({ type: "static", addresses: [{ address: `2001:db8::${index + 1}/64` }] })
    const settle = (await makePods(node, 8)).map((pod, index) =>
      node.add({ pod, conf: { cniVersion: "1.0.0", ipam: addressOf(index) } })
    )
    await fiftyPass(node, pods, settle)
    await Promise.all(settle)

    const going = await makePods(node, 32)
    let over = false
    // One after the other, and 32 beside each other, without a pause.
    const deleting = going.map(async (pod) => {
      while (!over) {
        await node.add({ pod })
        await node.silent("DEL", { pod })
      }
    })
    await fiftyPass(node, pods, deleting)
    over = true
    await Promise.all(deleting)

    for (const { status, stdout } of await Promise.all(hang)) {
      assert.strictEqual(status, 1)
      assert.include(assertError(stdout).msg, "stub")
    }
    assert.isAbove(performance.now() - begun, 30_000)
  })

  it("that sends nothing, or reads nothing, costs a few seconds", { timeout: 60_000 }, async () => {
    await using agent = await makeAgentNode()
    await agent.folder.start({ args: ["--calls", "2", "--waiting", "0"] })
    using silent = connect(agent.folder.socket)
    using another = connect(agent.folder.socket)
    // Those hold nobody up.
    await agent.node.add()
    await agent.node.silent("DEL")
    assert.strictEqual(await nextPacket(silent), "ended")
    assert.strictEqual(await nextPacket(another), "ended")
    // Its answer is an error, which it never takes.
    using deaf = connect(agent.folder.socket)
    sendCall(deaf, callPacket("CNI_COMMAND=STATUS\0CNI_PATH=/x\0"), callDescriptors(deaf))
    await until("it is a call", async () => (await agent.folder.status()).calls.running === 1)
    await agent.folder.idle()
  })

  it("beyond the bound is answered with 11, in words; one that waits is not", async () => {
    await using agent = await makeAgentNode()
    await using stub = await slowStub(1)
    await agent.folder.start({ args: ["--calls", "1", "--waiting", "1"] })
    const slow = agent.node.call("ADD", { path: stub.path, conf })
    await until("it runs", async () => (await agent.folder.status()).calls.running === 1)
    const waits = agent.node.call("STATUS")
    await until("one waits", async () => (await agent.folder.status()).calls.waiting === 1)
    const { code, msg } = await agent.node.fails("STATUS")
    assert.strictEqual(code, 11)
    assert.include(msg, "1 calls to answer, and 1 that wait")
    assert.strictEqual((await waits).status, 0)
    assert.strictEqual((await slow).status, 0)
    assert.deepInclude((await agent.folder.idle()).calls, { running: 0, waiting: 0, answered: 2, refused: 1 })
  })

  it("that takes longer than the limit is taken back, and told so", async () => {
    await using agent = await makeAgentNode()
    await using stub = await slowStub(20)
    await agent.folder.start({ args: ["--time-limit", "1"] })
    const { code, msg } = await agent.node.fails("ADD", { path: stub.path, conf })
    assert.deepStrictEqual([code, msg], [11, "the call was not done within 1 seconds"])
    assert.deepStrictEqual(await stub.calls(), ["ADD", "DEL"])
    assert.deepStrictEqual(await names(agent.node.pod), ["lo"])
  })

  it("of another user is refused, whatever the folder allows", async () => {
    await using agent = await makeAgentNode()
    await agent.folder.start()
    const ask = (...before: ReadonlyArray<string>) => {
      const [command = "", ...args] = [...before, process.execPath, "test/agent/stranger.ts", agent.folder.socket]
      return run(command, args)
    }
    const asStranger = ["setpriv", "--reuid=65534", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all"]
    await run("chmod", ["-R", "a+rwX", agent.folder.path])
    assert.match((await ask()).stdout, /^status\{/)
    assert.strictEqual((await ask(...asStranger)).stdout, "refused user 65534 is not who may call")
  })
})
