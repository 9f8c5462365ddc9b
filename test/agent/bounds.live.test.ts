/** What a client may cost, and who may be one. */
import { assert, describe, it } from "vitest"
import { canRunAgent, makeAgentNode } from "../lab/agentNode.ts"
import { names } from "../lab/call/node.ts"
import { makeStub, says } from "../lab/call/stub.ts"
import { run, until } from "../lab/run.ts"
import { callDescriptors, connect, nextPacket, sendCall } from "./handmade.ts"

/** An IPAM plugin that takes so many seconds. */
const slowStub = (seconds: number) =>
  makeStub({ ADD: `sleep ${seconds}\n${says({ cniVersion: "1.1.0", ips: [{ address: "10.1.2.3/24" }] })}` })

const conf = { ipam: { type: "stub" } }

describe.skipIf(!canRunAgent)("a client (a C compiler, root and macvtap)", () => {
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
    sendCall(deaf, "macvtap 1 call 0 2 macvtap", callDescriptors(deaf, "CNI_COMMAND=STATUS\0CNI_PATH=/x\0"))
    await until("it is a call", async () => (await agent.folder.status()).calls.running === 1)
    await until("it is over", async () => (await agent.folder.status()).calls.running === 0, 10_000)
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
    assert.deepInclude((await agent.folder.status()).calls, { running: 0, waiting: 0, answered: 2, refused: 1 })
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

  it("whose IPAM takes its time holds up no other", async () => {
    await using agent = await makeAgentNode()
    await using stub = await slowStub(12)
    await agent.folder.start()
    const { node } = agent
    let done = false
    const slow = node.call("ADD", { path: stub.path, conf }).finally(() => {
      done = true
    })
    await until("IPAM runs", async () => (await stub.calls()).includes("ADD"))
    const pods = await Promise.all(Array.from({ length: 10 }, () => node.makePod()))
    for (let round = 0; round < 5; round++) for (const pod of pods) await node.add({ pod, ifname: `n${round}` })
    assert.isFalse(done, "50 ADDs passed while it waited")
    assert.strictEqual((await slow).status, 0)
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
    assert.match((await ask()).stdout, /^status /)
    assert.strictEqual((await ask(...asStranger)).stdout, "refused user 65534 is not who may call")
  })
})
