/** The agent with all that it tells of itself: a log, figures, traces. Loaded only where it runs. */
import { lstatSync } from "node:fs"
import * as Effect from "effect/Effect"
import { pluginVersion } from "../cni/call/version.ts"
import { ToolError } from "../command/Command.ts"
import { giveBackMemory } from "../live/system/memory.ts"
import type { Address } from "../observe/address.ts"
import { serveHttp } from "../observe/http.ts"
import { Status, statusLive } from "../observe/Status.ts"
import type { LogLevel } from "../services/LogService.ts"
import { type Limits, makeGate } from "./limits.ts"
import { makeAttachments, refreshGauges } from "./observe/gauges.ts"
import { makeSay, sayCall } from "./observe/log.ts"
import { makeTelemetry } from "./observe/telemetry.ts"
import { serve } from "./serve.ts"
import { makeThrift } from "./thrift.ts"

export interface AgentSettings {
  readonly socket: string
  readonly limits: Limits
  /** Where figures are to be had; nowhere where left out. */
  readonly listen: Address | undefined
  readonly level: LogLevel
  readonly process: {
    readonly env: Readonly<Record<string, string | undefined>>
    readonly pid: number
    readonly log: (line: string) => void
  }
}

/** Ends only by failing, or by being interrupted. */
export const runAgent = ({ socket, limits, listen, level, process: { env, pid, log } }: AgentSettings) =>
  Effect.gen(function* () {
    const say = makeSay(level, log)
    const attachments = makeAttachments()
    const thrift = makeThrift(giveBackMemory)
    const gate = makeGate(limits)
    const telemetry = makeTelemetry(env, pluginVersion, (call, trace) => {
      attachments.hear(call)
      // The call that ends is still one of those that run.
      const { running, waiting } = gate.counts()
      thrift.callEnded(running + waiting - 1)
      sayCall(say, call, trace)
    })
    if (listen !== undefined) {
      yield* (yield* Status).set("agent", { well: true, words: `answers on ${socket}` })
      yield* serveHttp(listen, refreshGauges(gate, attachments, pluginVersion))
    }
    const user = lstatSync("/proc/self").uid
    const tell = (line: string): Effect.Effect<void> => Effect.sync(() => say("info", line))
    return yield* serve({ socket, gate }, { env, pid, user, tell, spansOf: telemetry.spansOf }).pipe(
      Effect.provide(telemetry.layer)
    )
  }).pipe(
    Effect.catchTag(
      "ListenError",
      ({ address, problem }) => new ToolError({ problem: `cannot listen on ${address}: ${problem}` })
    ),
    Effect.catchTag("TelemetryError", ({ problem }) => new ToolError({ problem })),
    Effect.provide(statusLive),
    Effect.scoped
  )
