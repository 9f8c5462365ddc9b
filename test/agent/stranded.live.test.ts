/** An agent whose thread cannot come back from a namespace, since the kernel (here strace, in its name) refuses the way. */
import { existsSync } from "node:fs"
import { assert, describe, it } from "vitest"
import { canRunAgent, makeAgentNode } from "../lab/agentNode.ts"
import { names } from "../lab/call/node.ts"
import { makeStub } from "../lab/call/stub.ts"
import { assertError } from "../lab/call/wellFormed.ts"
import { type Daemon, startDaemon } from "../lab/daemon.ts"
import { until } from "../lab/run.ts"

const strace = "/usr/bin/strace"

/** Each step rehearses the way back, enters, and comes back: the third setns(2) from now on is refused. */
const refuseWayBack = async ({ pid }: Daemon): Promise<Daemon> => {
  const refusal = ["-e", "trace=setns", "-e", "inject=setns:error=EPERM:when=3+"]
  const tracer = startDaemon(strace, ["-f", ...refusal, "-p", String(pid)])
  await tracer.line(/Process \d+ attached/, 10_000)
  return tracer
}

describe.skipIf(!canRunAgent || !existsSync(strace))(`a thread that cannot come back (${strace})`, () => {
  it("ends the agent, in words; nothing is done in its name, every call is answered for, the next agent starts", async () => {
    await using agent = await makeAgentNode()
    await using stub = await makeStub({ ADD: `[ "$CNI_IFNAME" = slow0 ] && sleep 20`, DEL: "sleep 1" })
    await agent.addStandalone()
    const { node, folder } = agent
    const daemon = await folder.start()
    await node.add()
    const conf = { ipam: { type: "stub" } }
    const deleting = node.call("DEL", { path: stub.path, conf })
    const adding = node.call("ADD", { path: stub.path, conf, ifname: "slow0" })
    await until("both are in the middle", async () => (await stub.calls()).length === 2)

    await using _tracer = await refuseWayBack(daemon)
    const stranded = await node.call("ADD", { ifname: "lost0" })
    assert.strictEqual(await daemon.ended, 1)
    assert.match(daemon.lines.join("\n"), /a thread cannot leave a network namespace/)
    assert.strictEqual(stranded.status, 1)
    assert.match(JSON.parse(stranded.stdout).msg, /cannot leave the network namespace .*; nothing more may be done/)
    const unfinished = { code: 11, msg: "the agent ends before the call is done" }
    assert.deepInclude(assertError((await adding).stdout), unfinished)
    const deleted = await deleting
    if (deleted.status !== 0) assert.deepInclude(assertError(deleted.stdout), unfinished)
    assert.deepStrictEqual(await names(node.host), ["eth0", "lo"])

    await folder.start()
    for (const ifname of ["net1", "slow0", "lost0"]) await node.silent("DEL", { ifname })
    assert.deepStrictEqual(await names(node.pod), ["lo"])
    await node.add()
    assert.strictEqual((await folder.idle()).calls.answered, 4)
    await node.silent("DEL")
    assert.deepStrictEqual(await names(node.pod), ["lo"])
  })
})
