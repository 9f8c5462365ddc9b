/** A program that is called with a trace of its own, and what the agent recorded of it. */
import { spawn } from "node:child_process"
import { randomBytes } from "node:crypto"
import * as Effect from "effect/Effect"
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
  const parent = `00-${traceId}-${randomBytes(8).toString("hex")}-01`
  const status = yield* runInherited(program, args, { ...env, TRACEPARENT: parent })
  const { askForTrace } = yield* Effect.promise(() => import("../agent/conversation/ask.ts"))
  const spans = yield* askForTrace(socket, traceId).pipe(
    Effect.catchTag("AgentUnreachable", () => Effect.succeed<ReadonlyArray<Ended>>([]))
  )
  return { status, spans }
})

const runInherited = (program: string, args: ReadonlyArray<string>, env: Called["env"]) =>
  Effect.callback<number, ToolError>((resume) => {
    const child = spawn(program, [...args], { env: { ...env }, stdio: "inherit" })
    child.once("error", (error) =>
      resume(Effect.fail(new ToolError({ problem: `cannot run ${quote(program)}: ${error.message}` })))
    )
    child.once("exit", (code) => resume(Effect.succeed(code ?? 1)))
    return Effect.sync(() => child.kill())
  })
