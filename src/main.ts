/** The only file of the plugin that names `process`: environment and stdin in, stdout and exit status out. */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as fs from "node:fs"
import * as path from "node:path"
import { CniError, codes } from "./cni/CniError.ts"
import { StdinError } from "./cni/Invocation.ts"
import { liveLayer } from "./live/layer.ts"
import { call, type Host } from "./Plugin.ts"

const stdout = 1
const stderr = 2

/** Writes all of it, in as many writes as it takes: a pipe may take less than it is given, or nothing for now (EAGAIN). */
const writeAll = (fd: number, text: string): void => {
  const bytes = Buffer.from(text)
  for (let written = 0; written < bytes.length;) {
    try {
      written += fs.writeSync(fd, bytes, written)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1)
    }
  }
}

const ioError = (doing: string) => (error: unknown) =>
  new CniError({ code: codes.ioFailure, msg: `error ${doing}: ${(error as NodeJS.ErrnoException).code ?? error}` })

const host: Host = {
  machine: ({ containerID, ...log }) => liveLayer({ ...log, context: containerID, stderr: (text) => writeAll(stderr, text) }),
  deliver: (text) => Effect.try({ try: () => writeAll(stdout, text), catch: ioError("writing to stdout") }),
  tell: (text) => Effect.ignore(Effect.try({ try: () => writeAll(stderr, text), catch: ioError("writing to stderr") }))
}

const invocation = {
  program: path.basename(process.argv0),
  env: process.env,
  stdin: Effect.try({
    try: () => fs.readFileSync(0, "utf8"),
    catch: (error) => new StdinError({ message: String((error as NodeJS.ErrnoException).code ?? error) })
  })
}

const fiber = Effect.runFork(call(host, invocation))
fiber.addObserver((exit) => {
  process.exitCode = exit._tag === "Success" ? exit.value : 1
})
for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
  process.on(signal, () => Effect.runFork(Fiber.interrupt(fiber)))
}
