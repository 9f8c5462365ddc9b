/** An agent of one's own: its socket in a folder of root's, and a client that knows it. */
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import * as Effect from "effect/Effect"
import { buildClient } from "../../scripts/build/client.ts"
import { isArchitecture } from "../../scripts/build/packages.ts"
import { askAgent } from "../../src/agent/conversation/ask.ts"
import type { Status } from "../../src/agent/status.ts"
import { type Daemon, startDaemon } from "./daemon.ts"
import { executable } from "./plugin.ts"
import { until } from "./run.ts"

const root = fileURLToPath(new URL("../..", import.meta.url))
const socketName = "agent.sock"

export interface AgentFolder extends AsyncDisposable {
  readonly path: string
  readonly socket: string
  /** `macvtap`, the client; beside it a test may put a `macvtap-standalone`. */
  readonly client: string
  /** Starts an agent, and waits until it listens. */
  readonly start: (options?: AgentStart) => Promise<Daemon>
  /** What the agent says of itself. */
  readonly status: () => Promise<Status>
  /** The same when it has no call left: some calls are counted, and logged, after their client has its answer. */
  readonly idle: () => Promise<Status>
}

/** Whether the agent of such a folder's client has no call to answer. */
export const isIdle = async (client: string): Promise<boolean> => {
  const { calls } = await Effect.runPromise(askAgent(join(dirname(client), socketName)))
  return calls.running + calls.waiting === 0
}

interface AgentStart {
  /** Another program than the executable under test. */
  readonly program?: ReadonlyArray<string>
  /** Words before the program: `["nsenter", …]`. */
  readonly before?: ReadonlyArray<string>
  readonly args?: ReadonlyArray<string>
  readonly env?: Readonly<Record<string, string>>
  /** The file or pipe that gets its log, instead of whoever started it. */
  readonly log?: string
}

/** A folder with a client, or in words why there is none. `define` is the build's: `{ CONVERSATION: "2" }`. */
export const makeAgentFolder = async (
  prefix: string,
  define: Readonly<Record<string, string>> = {}
): Promise<AgentFolder | string> => {
  // 0700, as mkdtemp makes it.
  const path = await mkdtemp(join(tmpdir(), `${prefix}-`))
  const remove = (): Promise<void> => rm(path, { recursive: true, force: true })
  const [socket, client] = [join(path, socketName), join(path, "macvtap")]
  const here = isArchitecture(process.arch) ? process.arch : "x64"
  const problem = buildClient({ root, target: here, here, out: client, define: { AGENT_SOCKET: socket, ...define } })
  if (problem !== undefined) {
    await remove()
    return problem
  }
  const daemons: Array<Daemon> = []
  const status = (): Promise<Status> => Effect.runPromise(askAgent(socket))
  return {
    path,
    socket,
    client,
    start: async ({ program = [executable], before = [], args = [], env, log } = {}) => {
      const into = log === undefined ? [] : ["sh", "-c", `exec "$@" 2>>'${log}'`, "sh"]
      const [command = "", ...rest] = [...into, ...before, ...program, "agent", "--socket", socket, ...args]
      const daemon = startDaemon(command, rest, env === undefined ? {} : { env })
      daemons.push(daemon)
      if (log === undefined) await daemon.line(/listens on/, 20_000)
      else
        await until(`an agent answers on ${socket}`, () =>
          status().then(
            () => true,
            () => false
          )
        )
      return daemon
    },
    status,
    idle: async () => {
      await until("the agent has no call", () => isIdle(client))
      return status()
    },
    [Symbol.asyncDispose]: async () => {
      for (const daemon of daemons) await daemon[Symbol.asyncDispose]()
      await remove()
    }
  }
}
