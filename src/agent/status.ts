/** What the agent tells of itself, without a call: what it is, whether it is able, how busy it is. */
import * as Effect from "effect/Effect"
import { pluginVersion } from "../cni/call/version.ts"
import { macvtap } from "../link/macvtap.ts"
import { NetlinkService } from "../services/NetlinkService.ts"
import { NetnsService } from "../services/NetnsService.ts"
import { conversationVersion } from "./conversation/conversation.ts"
import type { Counts, Gate, Limits } from "./limits.ts"

export interface Status {
  readonly version: string
  readonly conversation: number
  readonly pid: number
  /** It can make links in namespaces of others; where not, `problem` says why. */
  readonly able: boolean
  readonly problem?: string
  readonly calls: Counts
  readonly limits: Limits
}

/** Asks the kernel each time: rights and modules can change under an agent. */
export const statusOf = (
  gate: Gate,
  pid: number,
  rehearse: () => void
): Effect.Effect<Status, never, NetnsService | NetlinkService> =>
  Effect.map(problem(rehearse), (problem) => ({
    version: pluginVersion,
    conversation: conversationVersion,
    pid,
    able: problem === undefined,
    ...(problem === undefined ? {} : { problem }),
    calls: gate.counts(),
    limits: gate.limits
  }))

const problem = (rehearse: () => void): Effect.Effect<string | undefined, never, NetnsService | NetlinkService> =>
  Effect.gen(function* () {
    yield* Effect.try({
      try: rehearse,
      catch: (thrown) => `it cannot enter network namespaces: ${(thrown as Error).message}; it needs CAP_SYS_ADMIN`
    })
    const own = yield* (yield* NetnsService).current
    const route = yield* (yield* NetlinkService).connect(own)
    if (!(yield* route.kindExists(macvtap))) return "this kernel has no macvtap (CONFIG_MACVTAP)"
    return undefined
  }).pipe(
    Effect.scoped,
    Effect.catch((error) =>
      Effect.succeed(typeof error === "string" ? error : `${error.operation}: ${error.errno}; it needs CAP_NET_ADMIN`)
    )
  )
