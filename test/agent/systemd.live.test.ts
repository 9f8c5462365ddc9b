/** The socket that systemd holds: an agent is started by the first call, and the next one finds the socket where it was. */
import { existsSync, readFileSync } from "node:fs"
import { assert, describe, it } from "vitest"
import { canRunAgent, makeAgentNode } from "../lab/agentNode.ts"
import { startDaemon } from "../lab/daemon.ts"
import { executable } from "../lab/plugin.ts"

const activate = "/usr/bin/systemd-socket-activate"

const environment = { PATH: process.env["PATH"] ?? "" }

describe.skipIf(!canRunAgent || !existsSync(activate))(`socket activation (${activate})`, () => {
  it("starts an agent by the first call; no call is lost between two agents", async () => {
    await using agent = await makeAgentNode()
    const words = ["--seqpacket", `--listen=${agent.folder.socket}`, executable, "agent"]
    const { node } = agent
    {
      await using first = startDaemon(activate, words, { env: environment })
      await first.line(/Listening on/, 10_000)
      await node.add()
      await first.line(/listens on the socket that it was given/, 10_000)
      // It leaves the socket where it is.
      process.kill(first.pid, "SIGTERM")
      assert.strictEqual(await first.ended, 0)
    }
    await using next = startDaemon(activate, words, { env: environment })
    await next.line(/Listening on/, 10_000)
    await node.silent("DEL")
  })

  it("is what the unit asks for", () => {
    const socket = readFileSync("deploy/systemd/macvtap-agent.socket", "utf8")
    assert.include(socket, "ListenSequentialPacket=/run/macvtap-cni/agent.sock\n")
    assert.include(socket, "DirectoryMode=0700\n")
  })
})
