/**
 * A child process run to its end. Its three streams are not node's: stdin is a file without a path, stdout and stderr are
 * pipes that are looked into now and then and emptied when the child has ended. Node's stream objects cost 3.5 ms of the
 * first spawn (5.0 ms against 1.5 in the compiled executable), and wait for whoever else holds a pipe open.
 */
import { spawn } from "node:child_process"
import { closeSync } from "node:fs"
import * as Effect from "effect/Effect"
import { errnoOf } from "../system/errno.ts"
import { kill } from "../system/libc.ts"
import { fileOf } from "./memoryFile.ts"
import { makeOutput } from "./output.ts"

export interface ProcessInput {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly stdin: string
}

/** A child that runs: a process group of its own. */
export interface Child {
  /** Kills it and what it started. */
  readonly kill: () => void
  /** Calls back when it has ended, with `exit status 1` or `signal SIGSEGV`, or never was: with the errno. */
  readonly ended: (settle: (status: string) => void, refused: (errno: string) => void) => void
}

/** Starts `file` with that environment and these descriptors as its streams. Throws where it cannot. */
export type StartProgram = (
  file: string,
  env: ProcessInput["env"],
  streams: readonly [stdin: number, stdout: number, stderr: number]
) => Child

export type Outcome =
  /** It ended by itself: `exit status 1`, `signal SIGSEGV`. */
  | { readonly _tag: "Ended"; readonly status: string; readonly stdout: string; readonly stderr: string }
  /** It could not be started, or said more than anybody would (EFBIG) and was killed. */
  | { readonly _tag: "Refused"; readonly errno: string }

/** Bytes of stdout after which a child is killed, and of stderr after which the rest is dropped. */
const maxStdout = 1024 * 1024
const maxStderr = 1024 * 1024
const SIGKILL = 9
/** Milliseconds between two looks into the pipes: a pipe holds 64 KiB, so most children end before the second. */
const firstLook = 2
const longestLook = 50
/** Milliseconds that pipes may stay open after the child's end, held by a child of its own. */
const grace = 200
/**
 * Milliseconds that an interrupted child has to end by itself. host-local killed between making a reservation's file and
 * writing whose it is leaves an address that no DEL ever finds again; it needs some 10 ms for both.
 */
const maxEnding = 1000
/** Milliseconds to wait for a killed child to be gone. */
const maxDying = 2000

/** Kills the child and what it started: it leads a process group of its own. */
const killGroup = (pid: number): void => {
  try {
    kill(-pid, SIGKILL)
  } catch {
    // It was gone already.
  }
}

/** A child of this process. */
export const startHere: StartProgram = (file, env, streams) => {
  const child = spawn(file, [], { env: { ...env }, stdio: [...streams], detached: true })
  const { pid } = child
  return {
    kill: () => pid !== undefined && killGroup(pid),
    ended: (settle, refused) => {
      child.once("error", (error) => refused(errnoOf(error) ?? String(error)))
      child.once("exit", (code, signal) => settle(signal === null ? `exit status ${code}` : `signal ${signal}`))
    }
  }
}

/**
 * Runs `file` with that environment and stdin, in a process group of its own. Never fails: what went wrong is an outcome.
 * Interruption lets the child end, kills the group of one that does not, and waits until the child is gone.
 */
export const runProcess = (
  file: string,
  input: ProcessInput,
  start: StartProgram = startHere
): Effect.Effect<Outcome> =>
  Effect.callback<Outcome>((resume) => {
    const closers: Array<() => void> = []
    let timer: ReturnType<typeof setTimeout> | undefined
    const settle = (outcome: Outcome): void => {
      clearTimeout(timer)
      for (const close of closers.splice(0)) close()
      resume(Effect.succeed(outcome))
    }
    const refuse = (errno: string): void => settle({ _tag: "Refused", errno })
    try {
      const stdin = fileOf(input.stdin)
      closers.push(() => closeSync(stdin))
      const stdout = makeOutput(maxStdout)
      closers.push(stdout.close)
      const stderr = makeOutput(maxStderr)
      closers.push(stderr.close)
      const child = start(file, input.env, [stdin, stdout.end, stderr.end])
      // A child that holds the last end of a pipe is what ends it: ours must not be in the way.
      stdout.closeEnd()
      stderr.closeEnd()

      let status: string | undefined
      let ended = 0
      let gone: (() => void) | undefined
      const look = (delay: number): void => {
        clearTimeout(timer)
        const said = stdout.drain()
        const complained = stderr.drain()
        if (stdout.size > maxStdout) {
          if (status === undefined) child.kill()
          settle({ _tag: "Refused", errno: "EFBIG" })
        } else if (status !== undefined && ((stdout.done && stderr.done) || Date.now() - ended >= grace)) {
          settle({ _tag: "Ended", status, stdout: stdout.text(), stderr: stderr.text() })
        } else {
          timer = setTimeout(look, delay, said || complained ? firstLook : Math.min(delay * 2, longestLook))
        }
      }
      child.ended(
        (how) => {
          status = how
          ended = Date.now()
          if (gone !== undefined) gone()
          else if (closers.length > 0) look(firstLook)
        },
        (errno) => {
          status = errno
          if (gone !== undefined) gone()
          else refuse(errno)
        }
      )
      look(firstLook)
      return Effect.callback<void>((resume) => {
        clearTimeout(timer)
        let dying = setTimeout(() => {
          dying = setTimeout(() => resume(Effect.void), maxDying)
          child.kill()
        }, maxEnding)
        gone = (): void => {
          clearTimeout(dying)
          for (const close of closers.splice(0)) close()
          resume(Effect.void)
        }
        if (status !== undefined) gone()
      })
    } catch (thrown) {
      refuse(errnoOf(thrown) ?? String(thrown))
    }
  })
