/** The only file of the plugin that names `process`: environment and stdin in, stdout and exit status out. */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { CniError, codes } from "./cni/call/CniError.ts"
import { StdinError } from "./cni/call/Invocation.ts"
import { liveLayer, liveMachine } from "./live/layer.ts"
import { isAbsent, readInput, writeAll } from "./live/process/streams.ts"
import { call, type Host } from "./plugin/call.ts"

const stdout = 1
const stderr = 2
/** The executable, and not the sources on Node. */
const isCompiled = process.versions["bun"] !== undefined

const ioError = (doing: string) => (error: unknown) =>
  new CniError({ code: codes.ioFailure, msg: `error ${doing}: ${(error as NodeJS.ErrnoException).code ?? error}` })

const host: Host = {
  machine: ({ containerID, ...log }) =>
    liveMachine({ ...log, context: containerID, stderr: (text) => writeAll(stderr, text) }),
  deliver: (text) =>
    isCompiled && isAbsent(stdout)
      ? Effect.fail(ioError("writing to stdout")("it is closed"))
      : Effect.try({ try: () => writeAll(stdout, text), catch: ioError("writing to stdout") }),
  tell: (text) => Effect.ignore(Effect.try({ try: () => writeAll(stderr, text), catch: ioError("writing to stderr") }))
}

let fiber: Fiber.Fiber<number> | undefined

/**
 * A signal stops the work at its next pause, and has it taken back. To be called before the work begins, but not while
 * stdin is waited for: nothing can be heard meanwhile, and nothing is there to be taken back, so a signal may just kill.
 */
const hearSignals = (): void => {
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT"] as const) {
    process.on(signal, () => {
      if (fiber !== undefined) Effect.runFork(Fiber.interrupt(fiber))
    })
  }
}

/** Runs a CNI call: what a runtime starts, and a person without a command, who is told what this is. */
const answer = call(host, {
  program: process.argv0.slice(process.argv0.lastIndexOf("/") + 1),
  env: process.env,
  stdin: Effect.try({
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
})

/** A command for people, which a CNI call must not pay for: what it needs is evaluated only here. */
const command = (name: string, args: ReadonlyArray<string>): Effect.Effect<number> =>
  Effect.promise(() => import("./commands.ts")).pipe(
    Effect.tap(({ isResident }) => Effect.sync(() => (whenStopped = isResident(name) ? 0 : 1))),
    Effect.flatMap(({ runCommand }) =>
      runCommand([name, ...args], {
        executable: isCompiled ? process.execPath : undefined,
        env: process.env,
        out: (text) => Effect.mapError(host.deliver(text), ({ msg }) => ({ reason: msg })),
        err: host.tell,
        machine: liveLayer({ context: "macvtap", stderr: (text) => writeAll(stderr, text) })
      })
    )
  )

/** The exit status of what is told to end: a daemon has then done its work, a call has not. */
let whenStopped = 1
const [name, ...args] = process.env["CNI_COMMAND"] ? [] : process.argv.slice(2)
const program = name === undefined ? answer : command(name, args)

// A call hears signals from when it has read stdin; whoever reads none, from the beginning.
if (name !== undefined) hearSignals()
fiber = Effect.runFork(program)
fiber.addObserver((exit) => {
  process.exitCode = exit._tag === "Success" ? exit.value : whenStopped
})
