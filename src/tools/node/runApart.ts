/**
 * Runs a program of a folder of CNI plugins by a path that is beside nothing: a client would become the standalone
 * executable in its own folder, and answer as that.
 */
import { closeSync, openSync, readlinkSync, readSync } from "node:fs"
import * as Effect from "effect/Effect"
import type { PlatformError } from "effect/PlatformError"
import * as ChildProcess from "effect/process/ChildProcess"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { errnoOf } from "./files.ts"
import { platform } from "./platform.ts"

export interface Run {
  readonly args?: ReadonlyArray<string>
  /** All of its environment; empty when left out, so that a CNI plugin takes it for a person's call. */
  readonly env?: Readonly<Record<string, string>>
  readonly stdin?: string
}

export interface Ran {
  readonly stdout: string
  readonly stderr: string
  /** undefined where a signal ended it. */
  readonly status: number | undefined
}

/** What it said and how it ended; fails with words where it cannot be run, or does not end within the time limit. */
export const runApart: (file: string, run: Run) => Effect.Effect<Ran, string> = Effect.fn("runApart")(function* (
  file: string,
  run: Run
) {
  const fd = yield* Effect.try({ try: () => openSync(file, "r"), catch: (error) => inWords(errnoOf(error)) })
  const ran = isExecutableFormat(fd)
    ? runAt(`/proc/${readlinkSync("/proc/self")}/fd/${fd}`, run)
    : Effect.fail(inWords("ENOEXEC"))
  return yield* Effect.ensuring(
    ran,
    Effect.sync(() => closeSync(fd))
  )
})

/** Ours answers in 30 ms. */
const timeLimit = "10 seconds"

const runAt = (path: string, { args = [], env = {}, stdin }: Run): Effect.Effect<Ran, string> =>
  ChildProcess.make(path, args, {
    env: { ...env },
    extendEnv: false,
    stdin: stdin === undefined ? "ignore" : Stream.make(new TextEncoder().encode(stdin)),
    killSignal: "SIGKILL"
  }).pipe(
    Effect.flatMap((child) =>
      Effect.all([text(child.stdout), text(child.stderr), Effect.result(child.exitCode)], { concurrency: "unbounded" })
    ),
    Effect.map(([stdout, stderr, status]) => ({ stdout, stderr, status: Result.getOrUndefined(status) })),
    Effect.mapError((error) => inWords(errnoOf(error.reason.cause), error.message)),
    Effect.scoped,
    Effect.timeoutOrElse({ duration: timeLimit, orElse: () => Effect.fail("it did not answer") }),
    Effect.provide(platform)
  )

/** What is said, up to some pieces of the pipe's size. */
const text = (output: Stream.Stream<Uint8Array, PlatformError>): Effect.Effect<string, PlatformError> =>
  output.pipe(Stream.decodeText, Stream.take(16), Stream.mkString)

const inWords = (errno: string, otherwise = errno): string => words[errno] ?? otherwise

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
