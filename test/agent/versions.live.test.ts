/** Client, agent and standalone executable of two versions, in every mixture that an upgrade can bring about. */
import { mkdir, rename, symlink } from "node:fs/promises"
import { join } from "node:path"
import { afterAll, assert, describe, it } from "vitest"
import { buildClient } from "../../scripts/build/client.ts"
import { isArchitecture } from "../../scripts/build/packages.ts"
import type { AgentFolder } from "../lab/agent.ts"
import { type AgentNode, canRunAgent, makeAgentNode } from "../lab/agentNode.ts"
import { names } from "../lab/call/node.ts"
import { buildChanged } from "../lab/changedBuild.ts"
import type { Daemon } from "../lab/daemon.ts"
import { makeFolder } from "../lab/folder.ts"
import { executable } from "../lab/plugin.ts"
import { run, until } from "../lab/run.ts"
import { assertNoneLost, startLoad } from "./load.ts"

const built = await makeFolder("versions")
afterAll(() => built[Symbol.asyncDispose]())

/** The executable of the next version: the same, but for the conversation's. */
const next = canRunAgent
  ? await buildChanged(join(built.path, "next"), [
      {
        file: "agent/conversation/conversation.ts",
        find: "export const conversationVersion = 1",
        replace: "export const conversationVersion = 2"
      }
    ])
  : ""

/** A client of this version, or of the next, that knows the folder's socket. */
const makeClient = (folder: AgentFolder, version: number, out: string): void => {
  const here = isArchitecture(process.arch) ? process.arch : "x64"
  const define = { AGENT_SOCKET: folder.socket, CONVERSATION: String(version) }
  assert.isUndefined(buildClient({ root: process.cwd(), target: here, here, out, define }))
}

const executables = { 1: executable, 2: next }

const startAgent = (folder: AgentFolder, version: 1 | 2): Promise<Daemon> =>
  folder.start({ program: [executables[version]] })

describe.skipIf(!canRunAgent)("a client of one version and an agent of another", () => {
  it.each([[1, 2] as const, [2, 1] as const])(
    "(%i and %i) fall back at once: to the executable, else to 11, which says why",
    async (client, resident) => {
      await using agent = await makeAgentNode({ CONVERSATION: String(client) })
      await startAgent(agent.folder, resident)
      const { node } = agent
      for (const command of ["ADD", "DEL", "STATUS"] as const) {
        const begun = performance.now()
        const { code, msg, details } = await node.fails(command)
        assert.isBelow(performance.now() - begun, 1_000)
        assert.strictEqual(code, 11)
        assert.include(msg, `the agent speaks version ${resident} of the conversation`)
        assert.include(details ?? "", "macvtap-standalone, which would do without one, is not there")
      }
      const asked = await run(executables[client], ["agent", "--status", "--socket", agent.folder.socket])
      assert.strictEqual(asked.status, 1)
      assert.include(asked.stderr, `the agent speaks version ${resident} of the conversation`)
      await agent.addStandalone()
      await node.add()
      assert.deepStrictEqual(await names(node.pod), ["lo", "net1"])
      await node.silent("DEL")
      assert.deepStrictEqual(await names(node.pod), ["lo"])
    }
  )

  it("(2 and 2) get on with each other", async () => {
    await using agent = await makeAgentNode({ CONVERSATION: "2" })
    const daemon = await startAgent(agent.folder, 2)
    await agent.node.add()
    await agent.node.silent("DEL")
    // A DEL is done for its client before it is logged.
    await until("both calls are logged", () => daemon.lines.filter((line) => /\b(ADD|DEL)\b/.test(line)).length > 1)
  })
})

/** Puts it in its place by renaming. */
const install = async ({ folder }: AgentNode, file: string, name: string): Promise<void> => {
  const beside = join(folder.path, `.${name}`)
  await symlink(file, beside)
  await rename(beside, join(folder.path, name))
}

type Piece = "client" | "standalone" | "agent"

const orders: ReadonlyArray<readonly [Piece, Piece, Piece]> = [
  ["client", "standalone", "agent"],
  ["client", "agent", "standalone"],
  ["standalone", "client", "agent"],
  ["standalone", "agent", "client"],
  ["agent", "client", "standalone"],
  ["agent", "standalone", "client"]
]

describe.skipIf(!canRunAgent)("an upgrade under load", () => {
  it("loses no call, in whatever order client, executable and agent are renamed into place, and back", {
    timeout: 120_000
  }, async () => {
    await using agent = await makeAgentNode()
    const { folder } = agent
    const files = join(folder.path, "files")
    await mkdir(files)
    makeClient(folder, 1, join(files, "client-1"))
    makeClient(folder, 2, join(files, "client-2"))
    let daemon = await folder.start()
    await install(agent, executable, "macvtap-standalone")

    const bring = async (piece: Piece, version: 1 | 2): Promise<void> => {
      if (piece === "client") return install(agent, join(files, `client-${version}`), "macvtap")
      if (piece === "standalone") return install(agent, executables[version], "macvtap-standalone")
      const before = daemon
      daemon = await startAgent(folder, version)
      process.kill(before.pid, "SIGTERM")
      assert.strictEqual(await before.ended, 0)
    }
    const load = startLoad(agent, 3)
    // There and back again: two orders make one round.
    for (const [round, order] of orders.entries()) {
      for (const piece of order) {
        await bring(piece, round % 2 === 0 ? 2 : 1)
        await load.goesOn(4)
      }
      await load.goesOn(4)
      await until(`the agent answers after ${order}`, () => daemon.lines.some((line) => line.includes("ADD")))
    }
    assertNoneLost(await load.end())
    assert.deepStrictEqual(await names(agent.node.pod), ["lo"])
  })
})
