/** The front: which program runs, and what it gets of the process. The only file that names `process`. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import { StdinError } from "./cni/call/Invocation.ts"
import { liveServices } from "./live/layer.ts"
import { makeLogStream } from "./live/process/logStream.ts"
import { readInput } from "./live/process/streams.ts"
import { call } from "./plugin/call.ts"
import { CallerService } from "./services/CallerService.ts"

/** The executable, and not the sources on Node. */
const isCompiled = process.versions["bun"] !== undefined
const services = liveServices({ knowsAbsence: isCompiled })
/** The exit status of what is told to end: a daemon has then done its work, a call has not. */
let whenStopped = 1
let fiber: Fiber.Fiber<number> | undefined

const [name, ...args] = process.env["CNI_COMMAND"] ? [] : process.argv.slice(2)
const program = name === undefined ? plugin() : command(name, args)

// A call hears signals from when it has read stdin; whoever reads none, from the beginning.
if (name !== undefined) hearSignals()
fiber = Effect.runFork(program)
// Everything is written by now. Not by leaving it to an empty event loop: Node would then give signals their default back
// some milliseconds before it ends, and one that came meanwhile would make a killed process of an ADD that was answered.
fiber.addObserver((exit) => {
  process.exit(exit._tag === "Success" ? exit.value : whenStopped)
})

/** A CNI call: what a runtime starts, and a person without a command, who is told what this is. */
function plugin(): Effect.Effect<number> {
  const stdin = Effect.try({
    try: () => {
      const input = readInput()
      hearSignals()
      return input
    },
    catch: (error) =>
      new StdinError({
        message: (error as NodeJS.ErrnoException).code ?? (error instanceof Error ? error.message : "")
      })
  })
  const executable = process.argv0.slice(process.argv0.lastIndexOf("/") + 1)
  // Nobody is there to take spans: a tracer costs a cold process something.
  return call({ program: executable, env: process.env, stdin }).pipe(
    Effect.provide(services),
    Effect.withTracerEnabled(false)
  )
}

/** A command for people, which a CNI call must not pay for: what it needs is evaluated only here. */
function command(name: string, args: ReadonlyArray<string>): Effect.Effect<number> {
  const caller = Context.get(services, CallerService)
  return Effect.promise(() => import("./commands.ts")).pipe(
    Effect.tap(({ isResident }) => Effect.sync(() => (whenStopped = isResident(name) ? 0 : 1))),
    Effect.flatMap(({ runCommand }) =>
      runCommand([name, ...args], {
        executable: isCompiled ? process.execPath : undefined,
        env: process.env,
        commandLine: isCompiled
          ? [process.execPath, ...process.argv.slice(2)]
          : [process.execPath, ...process.execArgv, ...process.argv.slice(1)],
        pid: process.pid,
        out: (text) =>
          Effect.mapError(caller.answer(text, 0), ({ reason }) => ({ reason: `error writing to stdout: ${reason}` })),
        err: caller.tell,
        log: makeLogStream(2),
        machine: Layer.succeedContext(services)
      })
    )
  )
}

/**
 * A signal stops the work at its next pause, and has it taken back. To be called before the work begins, but not while
 * stdin is waited for: nothing can be heard meanwhile, and nothing is there to be taken back, so a signal may just kill.
 */
function hearSignals(): void {
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT"] as const) {
    process.on(signal, () => {
      if (fiber !== undefined) Effect.runFork(Fiber.interrupt(fiber))
    })
  }
}
