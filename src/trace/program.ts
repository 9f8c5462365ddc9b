/** A program that is called with a trace of its own, and what the agent recorded of it. */
import { spawn } from "node:child_process"
import { randomBytes } from "node:crypto"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import { ToolError } from "../command/Command.ts"
import type { Ended } from "../observe/Ended.ts"
import { quote } from "../wire/foreign.ts"

export interface Called {
  readonly program: string
  readonly args: ReadonlyArray<string>
  readonly env: Readonly<Record<string, string | undefined>>
  /** The agent's. */
  readonly socket: string
}

/** Runs it with our stdin and stdout; its status, and the spans that the agent has of the trace: none where it has none. */
export const traceProgram = Effect.fn("trace a program")(function* ({ program, args, env, socket }: Called) {
  const traceId = randomBytes(16).toString("hex")
  const parentId = randomBytes(8).toString("hex")
  const status = yield* runInherited(program, args, { ...env, TRACEPARENT: `00-${traceId}-${parentId}-01` })
  const { askForTrace } = yield* Effect.promise(() => import("../agent/conversation/ask.ts"))
  const spans = yield* askForTrace(socket, traceId).pipe(
    Effect.catchTag("AgentUnreachable", () => Effect.succeed<ReadonlyArray<Ended>>([])),
    Effect.repeat({ schedule: Schedule.spaced("20 millis"), times: 50, until: isWhole(parentId) })
  )
  return { status, spans }
})

/** Whether no span waits for one around it to end: a call ends a moment after its caller. What is old, the agent forgets. */
const isWhole = (outermost: string) => (spans: ReadonlyArray<Ended>) => {
  const known = new Set([outermost, ...spans.map(({ spanId }) => spanId)])
  return spans.every(({ parentId }) => parentId === undefined || known.has(parentId))
}

const runInherited = (program: string, args: ReadonlyArray<string>, env: Called["env"]) =>
  Effect.callback<number, ToolError>((resume) => {
    const child = spawn(program, [...args], { env: { ...env }, stdio: "inherit" })
    child.once("error", (error) =>
      resume(Effect.fail(new ToolError({ problem: `cannot run ${quote(program)}: ${error.message}` })))
    )
    child.once("exit", (code) => resume(Effect.succeed(code ?? 1)))
    return Effect.sync(() => child.kill())
  })
