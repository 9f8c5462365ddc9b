/** One CNI call on whichever services, in a fiber of its own as a process is: what it wrote, and how it ended. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type * as Layer from "effect/Layer"
import type { StdinError } from "../../../src/cni/call/Invocation.ts"
import { call, type Services } from "../../../src/plugin/call.ts"
import { type AnswerLost, CallerService } from "../../../src/services/CallerService.ts"

export interface Invocation {
  /** The executable's name, `macvtap` when left out. */
  readonly program?: string
  readonly env: Readonly<Record<string, string | undefined>>
  /** stdin: a text, a configuration, or why it cannot be read. */
  readonly stdin: string | object | StdinError
}

export interface Answer {
  readonly status: number
  /** Each writing to stdout. */
  readonly written: ReadonlyArray<string>
  readonly stdout: string
  readonly stderr: string
}

/** What stdout does with a text. */
export type Deliver = (text: string) => Effect.Effect<void, AnswerLost>

const isStdinError = (stdin: Invocation["stdin"]): stdin is StdinError =>
  typeof stdin === "object" && "_tag" in stdin && stdin._tag === "StdinError"

const textOf = (stdin: string | object): string => (typeof stdin === "string" ? stdin : JSON.stringify(stdin))

export const callWith = (
  machine: Layer.Layer<Exclude<Services, CallerService>>,
  { program = "macvtap", env, stdin }: Invocation,
  deliver: Deliver = () => Effect.void
): Effect.Effect<Answer> =>
  Effect.suspend(() => {
    const written: Array<string> = []
    const told: Array<string> = []
    return call({
      program,
      env,
      stdin: isStdinError(stdin) ? Effect.fail(stdin) : Effect.sync(() => textOf(stdin))
    }).pipe(
      Effect.provideService(CallerService, {
        answer: (text) => Effect.tap(deliver(text), () => Effect.sync(() => written.push(text))),
        tell: (text) => Effect.sync(() => void told.push(text))
      }),
      Effect.provide(machine),
      Effect.forkChild,
      Effect.flatMap(Fiber.await),
      Effect.map((exit) => ({
        status: Exit.isSuccess(exit) ? exit.value : 1,
        written,
        stdout: written.join(""),
        stderr: told.join("")
      }))
    )
  })
