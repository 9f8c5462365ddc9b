/** What an executable is: asked by running it, the only way that also says whether it can be run. */
import { closeSync, openSync, readlinkSync, readSync } from "node:fs"
import * as Effect from "effect/Effect"
import type { PlatformError } from "effect/PlatformError"
import * as ChildProcess from "effect/process/ChildProcess"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { errnoOf } from "./files.ts"
import { platform } from "./platform.ts"

export type Program =
  /** The executable, of that version. */
  | { readonly _tag: "Ours"; readonly version: string }
  /** The client of that version, which finds its agent on the socket. */
  | { readonly _tag: "Client"; readonly version: string; readonly socket: string }
  /** It runs, and is another program. */
  | { readonly _tag: "Other" }
  /** It cannot be started, or fails; `why` in words. */
  | { readonly _tag: "Broken"; readonly why: string }

/**
 * Runs `<file> --version` in an empty environment, so that a CNI plugin takes it for a person's call. By a path that is
 * beside nothing: a client would become the standalone executable in its own folder, and answer as that.
 */
export const askProgram: (file: string) => Effect.Effect<Program> = Effect.fn("askProgram")(function* (file: string) {
  const opened = Result.try({ try: () => openSync(file, "r"), catch: errnoOf })
  if (Result.isFailure(opened)) return broken(opened.failure)
  const fd = opened.success
  const answer = isExecutableFormat(fd) ? run(`/proc/${readlinkSync("/proc/self")}/fd/${fd}`) : noExecutable
  return yield* Effect.ensuring(
    answer,
    Effect.sync(() => closeSync(fd))
  )
})

const words: Readonly<Record<string, string>> = {
  EACCES: "permission denied: its mode lacks x, or its file system is mounted noexec",
  ENOEXEC: "it is no executable for this machine",
  ENOENT: "its dynamic loader is missing: is it for another machine, or another C library?",
  EPIPE: "it is no executable for this machine"
}

/**
 * Whether the kernel would run it at all. Asked beforehand because execvp(3), which Node uses, hands anything else to
 * the shell, as its script.
 */
const isExecutableFormat = (fd: number): boolean => {
  const start = Buffer.alloc(4)
  readSync(fd, start, 0, 4, 0)
  return start.toString("latin1") === "\u007fELF" || start.toString("latin1", 0, 2) === "#!"
}

/** Ours answers in 30 ms. */
const timeLimit = "10 seconds"

const run = (path: string): Effect.Effect<Program> =>
  ChildProcess.make(path, ["--version"], { env: {}, extendEnv: false, stdin: "ignore", killSignal: "SIGKILL" }).pipe(
    Effect.flatMap((child) =>
      Effect.all([text(child.stdout), text(child.stderr), Effect.result(child.exitCode)], { concurrency: "unbounded" })
    ),
    Effect.map(([stdout, stderr, status]) => judge(stdout, stderr, Result.getOrUndefined(status))),
    Effect.scoped,
    Effect.timeoutOrElse({ duration: timeLimit, orElse: () => Effect.succeed(broken("", "it did not answer")) }),
    Effect.catch((error) => Effect.succeed(broken(errnoOfStart(error), error.message))),
    Effect.provide(platform)
  )

/** What is said, up to some pieces of the pipe's size. */
const text = (output: Stream.Stream<Uint8Array, PlatformError>): Effect.Effect<string, PlatformError> =>
  output.pipe(Stream.decodeText, Stream.take(16), Stream.mkString)

const errnoOfStart = ({ reason }: PlatformError): string => errnoOf(reason.cause)

/** `status` is undefined where a signal ended it. */
const judge = (stdout: string, stderr: string, status: number | undefined): Program => {
  const version = /^\S+ \(macvtap-cni\) (\d+\.\d+\.\d+\S*)\n$/.exec(stdout)?.[1]
  if (status === 0 && version !== undefined) return { _tag: "Ours", version }
  const client = /^CNI macvtap client version (\S+), for the agent on (\S+)\n/.exec(stderr)
  if (client !== null) return { _tag: "Client", version: client[1] ?? "", socket: client[2] ?? "" }
  // The loader's way to say that a library is missing.
  const missing = /error while loading shared libraries: (.*)/.exec(stderr)?.[1]
  if (missing !== undefined) return broken("", missing)
  if (status === undefined) return broken("", "it was ended by a signal")
  // A plugin of the Go library without words about itself answers with an error object.
  return status === 0 || stdout !== "" ? { _tag: "Other" } : broken("", `it fails with exit status ${status}`)
}

const broken = (errno: string, otherwise = errno): Program => ({ _tag: "Broken", why: words[errno] ?? otherwise })

const noExecutable: Effect.Effect<Program> = Effect.succeed(broken("ENOEXEC"))
