/** The only file of the plugin that names `process`: environment and stdin in, stdout and exit status out. */

import * as fs from "node:fs"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import { CniError, codes } from "./cni/CniError.ts"
import { StdinError } from "./cni/Invocation.ts"
import { liveLayer } from "./live/layer.ts"
import { call, type Host } from "./Plugin.ts"

const stdout = 1
const stderr = 2

/** Tries again where a pipe that does not block has nothing, or takes nothing, for now (EAGAIN). */
const whenReady = (step: () => number): number => {
  for (;;) {
    try {
      return step()
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1)
    }
  }
}

/** Writes all of it, in as many writes as it takes. */
const writeAll = (fd: number, text: string): void => {
  const bytes = new TextEncoder().encode(text)
  for (let written = 0; written < bytes.length; ) written += whenReady(() => fs.writeSync(fd, bytes, written))
}

/** Bytes: what the configuration's reader refuses anyway. A caller that never ends must not fill the node's memory. */
const longestInput = 16 * 1024 * 1024

/** All of stdin. A byte order mark is a character, which JSON has no place for. */
const readInput = (): string => {
  let bytes = new Uint8Array(65536)
  let size = 0
  for (;;) {
    const read = whenReady(() => fs.readSync(0, bytes, size, bytes.length - size, null))
    if (read === 0) return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes.subarray(0, size))
    size += read
    if (size > longestInput) throw new Error(`longer than ${longestInput} bytes`)
    if (size === bytes.length) {
      const larger = new Uint8Array(2 * size)
      larger.set(bytes)
      bytes = larger
    }
  }
}

const ioError = (doing: string) => (error: unknown) =>
  new CniError({ code: codes.ioFailure, msg: `error ${doing}: ${(error as NodeJS.ErrnoException).code ?? error}` })

const host: Host = {
  machine: ({ containerID, ...log }) =>
    liveLayer({ ...log, context: containerID, stderr: (text) => writeAll(stderr, text) }),
  deliver: (text) => Effect.try({ try: () => writeAll(stdout, text), catch: ioError("writing to stdout") }),
  tell: (text) => Effect.ignore(Effect.try({ try: () => writeAll(stderr, text), catch: ioError("writing to stderr") }))
}

let fiber: Fiber.Fiber<number> | undefined

/**
 * A signal stops the work at its next pause, and has it taken back. To be called before the work begins, but not while
 * stdin is waited for: nothing can be heard meanwhile, and nothing is there to be taken back, so a signal may just kill.
 */
const hearSignals = (): void => {
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
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

/** Runs `macvtap install …` and its like, which a CNI call must not pay for: they are evaluated only here. */
const tool = (args: ReadonlyArray<string>): Effect.Effect<number> =>
  Effect.promise(() => Promise.all([import("./tools/main.ts"), import("./tools/Tool.ts")])).pipe(
    Effect.flatMap(([{ run }, { ToolError }]) =>
      run(args, {
        executable: process.versions["bun"] === undefined ? undefined : process.execPath,
        out: (text) => Effect.mapError(host.deliver(text), ({ msg }) => new ToolError({ problem: msg })),
        err: host.tell,
        machine: host.machine({ containerID: "macvtap" })
      })
    )
  )

/** The daemon, with what it needs of gRPC and the like, is evaluated only where it runs. */
const daemon = (args: ReadonlyArray<string>): Effect.Effect<number> =>
  Effect.promise(() => import("./device-plugin/main.ts")).pipe(
    Effect.flatMap(({ devicePlugin }) => devicePlugin({ args, env: process.env, out: host.deliver, err: host.tell }))
  )

const [name, ...args] = process.env["CNI_COMMAND"] ? [] : process.argv.slice(2)
const program = name === undefined ? answer : name === "device-plugin" ? daemon(args) : tool([name, ...args])

// A call hears signals from when it has read stdin; whoever reads none, from the beginning.
if (name !== undefined) hearSignals()
fiber = Effect.runFork(program)
fiber.addObserver((exit) => {
  // A daemon that is told to end has done its work; a call that is told to end has not.
  const stopped = name === "device-plugin" && Exit.hasInterrupts(exit) ? 0 : 1
  process.exitCode = exit._tag === "Success" ? exit.value : stopped
})
