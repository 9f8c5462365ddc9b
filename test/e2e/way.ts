/** The two ways in which a node is run: the plugin in one executable, or its client and an agent. */
import { type AgentFolder, makeAgentFolder } from "../lab/agent.ts"
import { executable } from "../lab/plugin.ts"

export interface Way {
  /** For titles. */
  readonly name: string
  /** What a runtime starts, by the name of `macvtap`. */
  readonly program: string
}

export const standalone: Way = { name: "the executable alone", program: executable }

export interface AgentWay extends Way, AsyncDisposable {}

/** A client with an agent beside the run, or why there is none. */
export const makeAgentWay = async (): Promise<AgentWay | string> => {
  const folder: AgentFolder | string = await makeAgentFolder("macvtap-cni-e2e-agent")
  if (typeof folder === "string") return folder
  try {
    await folder.start()
  } catch (error) {
    await folder[Symbol.asyncDispose]()
    return error instanceof Error ? error.message : String(error)
  }
  return { name: "a client and an agent", program: folder.client, [Symbol.asyncDispose]: folder[Symbol.asyncDispose] }
}
