/** The client for arm64, interpreted by qemu-user, with this machine's agent. */
import { existsSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "vitest"
import { buildClient } from "../../scripts/build/client.ts"
import { canRunAgent, makeAgentNode } from "../lab/agentNode.ts"
import { makeNode, names } from "../lab/call/node.ts"
import { run } from "../lab/run.ts"

const qemu = "/usr/bin/qemu-aarch64-static"
const headers = "/usr/aarch64-linux-gnu/include/asm/unistd.h"
const able = canRunAgent && process.arch === "x64" && existsSync(qemu) && existsSync(headers)

describe.skipIf(!able)(`the client for arm64 (${qemu}, ${headers})`, () => {
  it("answers VERSION, and hands ADD and DEL to the agent", async () => {
    await using agent = await makeAgentNode()
    await agent.folder.start()
    const client = join(agent.folder.path, "macvtap-arm64")
    const root = fileURLToPath(new URL("../..", import.meta.url))
    const define = { AGENT_SOCKET: agent.folder.socket }
    assert.isUndefined(buildClient({ root, target: "arm64", here: "x64", out: client, define }))
    const version = await run(qemu, [client], { env: { CNI_COMMAND: "VERSION" } })
    assert.include(JSON.parse(version.stdout).supportedVersions, "1.1.0")
    await using node = await makeNode([qemu, client])
    await node.add()
    assert.deepStrictEqual(await names(node.pod), ["lo", "net1"])
    await node.silent("DEL")
    assert.deepStrictEqual(await names(node.pod), ["lo"])
  })
})
