/** `macvtap trace`: one call, and where its time went. */
import { basename } from "node:path"
import * as Effect from "effect/Effect"
import * as Tracer from "effect/Tracer"
import { StdinError } from "../cni/call/Invocation.ts"
import { makeCommand, ToolError, UsageError } from "../command/Command.ts"
import { liveServices } from "../live/layer.ts"
import { readInput } from "../live/process/streams.ts"
import { type Ended, listening } from "../observe/Ended.ts"
import { Sampling } from "../observe/span.ts"
import { mermaid, waterfall } from "../observe/waterfall.ts"
import { call } from "../plugin/call.ts"
import { quote } from "../wire/foreign.ts"
import { traceProgram } from "./program.ts"

export const trace = makeCommand({
  name: "trace",
  summary: "make one CNI call, and show where its time went",
  description: [
    "Makes the call that the words after -- say, with the configuration on stdin: CNI's variables, and the program that a " +
      "runtime would start. The answer goes to stdout as always, the waterfall to stderr.",
    "Without a program, or with this executable's own name, the call is made right here. Any other program, macvtap-client " +
      "for one, is started with a trace of its own in TRACEPARENT, and the agent that answered it is asked what it did."
  ],
  operands: "-- CNI_COMMAND=ADD CNI_CONTAINERID=… CNI_NETNS=… CNI_IFNAME=… CNI_PATH=… [PROGRAM [ARG …]]",
  options: {
    mermaid: { type: "boolean", help: "the waterfall as a Gantt chart of Mermaid" },
    socket: {
      type: "string",
      value: "PATH",
      path: true,
      default: "/run/macvtap-cni/agent.sock",
      help: "where the agent is asked"
    }
  },
  run: Effect.fnUntraced(function* (values, { env, err, operands, executable }) {
    const { assigned, program, args } = readWords(operands)
    if (assigned["CNI_COMMAND"] === undefined && env["CNI_COMMAND"] === undefined) {
      return yield* new UsageError({ problem: "nothing is called: say how after --, beginning with CNI_COMMAND=ADD" })
    }
    const whole = { ...env, ...assigned }
    const isHere = program === undefined || program === executable || !program.includes("/")
    const { status, spans } = isHere
      ? yield* traceHere(whole, program)
      : yield* traceProgram({ program, args, env: whole, socket: values.socket })
    yield* err(values.mermaid ? mermaid(spans) : waterfall(spans))
    if (spans.length === 0) {
      return yield* new ToolError({
        problem: `no agent on ${quote(values.socket)} knows of this call`,
        advice: "the program answered by itself; leave it out to have the call made, and traced, right here"
      })
    }
    return status
  })
})

interface Words {
  readonly assigned: Readonly<Record<string, string>>
  readonly program: string | undefined
  readonly args: ReadonlyArray<string>
}

/** `env`'s way to say it: assignments first, then a program and its arguments. */
const readWords = (words: ReadonlyArray<string>): Words => {
  const [first, ...others] = words
  const rest = first === "env" ? others : words
  const isAssignment = (word: string): boolean => /^[A-Za-z_][A-Za-z0-9_]*=/.test(word)
  const count = rest.findIndex((word) => !isAssignment(word))
  const assignments = count < 0 ? rest : rest.slice(0, count)
  const [program, ...args] = count < 0 ? [] : rest.slice(count)
  return {
    assigned: Object.fromEntries(
      assignments.map((word) => [word.slice(0, word.indexOf("=")), word.slice(word.indexOf("=") + 1)])
    ),
    program,
    args
  }
}

/** The call in this process, by the very services that a runtime's call has. */
const traceHere = (env: Readonly<Record<string, string | undefined>>, program: string | undefined) =>
  Effect.suspend(() => {
    const spans: Array<Ended> = []
    const stdin = Effect.try({
      try: readInput,
      catch: (error) => new StdinError({ message: (error as NodeJS.ErrnoException).code ?? String(error) })
    })
    return call({ program: basename(program ?? "macvtap"), env, stdin }).pipe(
      Effect.provide(liveServices({ knowsAbsence: false })),
      Effect.provideService(Sampling, () => true),
      Effect.provideService(
        Tracer.Tracer,
        listening(Tracer.nativeTracer, (ended) => spans.push(ended))
      ),
      Effect.withTracerEnabled(true),
      Effect.map((status) => ({ status, spans }))
    )
  })
