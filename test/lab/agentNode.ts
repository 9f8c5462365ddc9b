/** A node whose runtime calls a client, with an agent of the test's own. */
import { symlink } from "node:fs/promises"
import { join } from "node:path"
import { type AgentFolder, makeAgentFolder } from "./agent.ts"
import { makeNode, type Node } from "./call/node.ts"
import { hasExecutable, hasMacvtap } from "./machine.ts"
import { client, executable } from "./plugin.ts"

/** What tests of an agent need: root, macvtap, the executable, a C compiler. The last is told by the suite's own client. */
export const canRunAgent: boolean = hasMacvtap && hasExecutable && client !== undefined

export interface AgentNode extends AsyncDisposable {
  readonly node: Node
  readonly folder: AgentFolder
  /** Puts the executable beside the client. */
  readonly addStandalone: () => Promise<void>
}

export const makeAgentNode = async (define: Readonly<Record<string, string>> = {}): Promise<AgentNode> => {
  const folder = await makeAgentFolder("agent", define)
  if (typeof folder === "string") throw new Error(folder)
  const node = await makeNode([folder.client])
  return {
    node,
    folder,
    addStandalone: () => symlink(executable, join(folder.path, "macvtap-standalone")),
    [Symbol.asyncDispose]: async () => {
      await node[Symbol.asyncDispose]()
      await folder[Symbol.asyncDispose]()
    }
  }
}
