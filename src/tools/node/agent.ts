/** The agent of this node, as whoever would take it away sees it. */
import { join } from "node:path"
import * as Effect from "effect/Effect"
import { agentSocket } from "../../agent/socket.ts"
import { statLink } from "./files.ts"

export interface AgentSocket {
  readonly path: string
  /** `stale`: a socket on which nobody listens. */
  readonly state: "none" | "stale" | "answers"
}

/** What that takes is evaluated only here. */
export const agentOf = Effect.fn("agentOf")(function* (root: string) {
  const path = join(root, agentSocket)
  if (statLink(path)?.isSocket() !== true) return { path, state: "none" } satisfies AgentSocket
  const { askAgent } = yield* Effect.promise(() => import("../../agent/conversation/ask.ts"))
  return yield* askAgent(path).pipe(
    Effect.match({
      // One that is stopped, or of another version, is there.
      onFailure: ({ problem }): AgentSocket => ({ path, state: problem === "ECONNREFUSED" ? "stale" : "answers" }),
      onSuccess: (): AgentSocket => ({ path, state: "answers" })
    })
  )
})
