/** The client, with an agent, without one, and with one that it does not get on with. */
import { closeSync } from "node:fs"
import { chmod, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { assert, describe, it } from "vitest"
import { versionDocument } from "../../src/cni/call/version.ts"
import { accept, listenAt, receive, send } from "../../src/live/system/packets.ts"
import { canRunAgent, makeAgentNode } from "../lab/agentNode.ts"
import { names } from "../lab/call/node.ts"
import { must, run } from "../lab/run.ts"

describe.skipIf(!canRunAgent)("the client (a C compiler, root and macvtap)", () => {
  it("answers VERSION by itself, as the plugin does", async () => {
    await using agent = await makeAgentNode()
    const { status, stdout } = await run(agent.folder.client, [], { env: { CNI_COMMAND: "VERSION" } })
    assert.deepStrictEqual([status, stdout], [0, versionDocument])
  })

  it("is a few kilobytes, and asks for no library", async () => {
    await using agent = await makeAgentNode()
    assert.notInclude(await must("readelf", ["-lW", agent.folder.client]), "INTERP")
    assert.isBelow((await must("stat", ["-c", "%s", agent.folder.client])).length, 6)
  })

  it("without an agent and without the executable answers 11, and says what is missing", async () => {
    await using agent = await makeAgentNode()
    for (const command of ["ADD", "DEL", "CHECK", "GC", "STATUS"] as const) {
      const { code, msg, details } = await agent.node.fails(command)
      assert.strictEqual(code, 11)
      assert.include(msg, `nobody listens on ${agent.folder.socket}`)
      assert.include(details ?? "", `${agent.folder.path}/macvtap-standalone, which would do without one, is not there`)
    }
  })

  it("without an agent becomes the executable beside it", async () => {
    await using agent = await makeAgentNode()
    await agent.addStandalone()
    const { node } = agent
    await node.add()
    assert.deepStrictEqual(await names(node.pod), ["lo", "net1"])
    await node.silent("DEL")
    assert.deepStrictEqual(await names(node.pod), ["lo"])
    const help = await must(agent.folder.client, ["--version"])
    assert.match(help, /^macvtap \(macvtap-cni\) /)
  })

  it("hands its stdin on to the executable, whatever is in it", async () => {
    await using agent = await makeAgentNode()
    const echo = join(agent.folder.path, "macvtap-standalone")
    await writeFile(echo, '#!/bin/sh\necho "$0 $CNI_COMMAND"\nexec cat\n')
    await chmod(echo, 0o755)
    const stdin = `${"x".repeat(300_000)}\u00e4\n`
    const { stdout } = await run(agent.folder.client, [], { env: { CNI_COMMAND: "ADD", PATH: "/usr/bin:/bin" }, stdin })
    assert.strictEqual(stdout, `${echo} ADD\n${stdin}`)
  })

  it("that says what no agent knows falls back at once", async () => {
    await using agent = await makeAgentNode({ CONVERSATION: "1 sing" })
    await agent.folder.start()
    const begun = performance.now()
    assert.include((await agent.node.fails("ADD")).msg, "does not know")
    assert.isBelow(performance.now() - begun, 2_000)
    await agent.addStandalone()
    await agent.node.add()
    await agent.node.silent("DEL")
  })

  it("with an agent that says what no client knows: ADD is 11, and DEL is done by the executable", async () => {
    await using agent = await makeAgentNode()
    const listener = listenAt(agent.folder.socket)
    const timer = setInterval(() => {
      for (let fd = accept(listener); fd !== undefined; fd = accept(listener)) {
        const connection = fd
        setTimeout(() => {
          receive(connection)
          send(connection, "sing 1")
          closeSync(connection)
        }, 50)
      }
    }, 10)
    try {
      const { code, msg } = await agent.node.fails("ADD")
      assert.strictEqual(code, 11)
      assert.match(msg, /does not know/)
      await agent.addStandalone()
      await agent.node.silent("DEL")
    } finally {
      clearInterval(timer)
      closeSync(listener)
    }
  })

  it("says what it is to a person, and what it cannot do", async () => {
    await using agent = await makeAgentNode()
    const alone = await run(agent.folder.client, [], { env: {} })
    assert.deepStrictEqual([alone.status, alone.stdout], [0, ""])
    assert.match(alone.stderr, /^CNI macvtap plugin version /)
    const asked = await run(agent.folder.client, ["doctor"], { env: {} })
    assert.strictEqual(asked.status, 2)
    assert.include(asked.stderr, "macvtap-standalone")
  })
})
