/**
 * A child process run to its end. Its three streams are not node's: stdin is a file without a path, stdout and stderr are
 * pipes that are looked into now and then and emptied when the child has ended. Node's stream objects cost 3.5 ms of the
 * first spawn (5.0 ms against 1.5 in the compiled executable), and wait for whoever else holds a pipe open.
 */
import { spawn } from "node:child_process"
import { closeSync, writeSync } from "node:fs"
import * as Effect from "effect/Effect"
import { errnoOf } from "../system/errno.ts"
import { kill, memfdCreate } from "../system/libc.ts"
import { makeOutput } from "./output.ts"

export interface ProcessInput {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly stdin: string
}

export type Outcome =
  /** It ended by itself: `exit status 1`, `signal SIGSEGV`. */
  | { readonly _tag: "Ended"; readonly status: string; readonly stdout: string; readonly stderr: string }
  /** It could not be started, or said more than anybody would (EFBIG) and was killed. */
  | { readonly _tag: "Refused"; readonly errno: string }

/** Bytes of stdout after which a child is killed, and of stderr after which the rest is dropped. */
const maxStdout = 16 * 1024 * 1024
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

/** A file without a path that holds the text, to be read from its start. */
const fileOf = (text: string): number => {
  const fd = memfdCreate("stdin")
  try {
    const bytes = Buffer.from(text)
    for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at, bytes.length - at, at)
    return fd
  } catch (thrown) {
    closeSync(fd)
    throw thrown
  }
}

/** Kills the child and what it started: it leads a process group of its own. */
const killGroup = (pid: number): void => {
  try {
    kill(-pid, SIGKILL)
  } catch {
    // It was gone already.
  }
}

/**
 * Runs `file` with that environment and stdin, in a process group of its own. Never fails: what went wrong is an outcome.
 * Interruption lets the child end, kills the group of one that does not, and waits until the child is gone.
 */
export const runProcess = (file: string, input: ProcessInput): Effect.Effect<Outcome> =>
  Effect.callback<Outcome>((resume) => {
    const closers: Array<() => void> = []
    let timer: ReturnType<typeof setTimeout> | undefined
    const settle = (outcome: Outcome): void => {
      clearTimeout(timer)
      for (const close of closers.splice(0)) close()
      resume(Effect.succeed(outcome))
    }
    const refuse = (thrown: unknown): void => settle({ _tag: "Refused", errno: errnoOf(thrown) ?? String(thrown) })
    try {
      const stdin = fileOf(input.stdin)
      closers.push(() => closeSync(stdin))
      const stdout = makeOutput(maxStdout)
      closers.push(stdout.close)
      const stderr = makeOutput(maxStderr)
      closers.push(stderr.close)
      const child = spawn(file, [], {
        env: { ...input.env },
        stdio: [stdin, stdout.end, stderr.end],
        detached: true
      })
      const { pid } = child
      // A child that holds the last end of a pipe is what ends it: ours must not be in the way.
      stdout.closeEnd()
      stderr.closeEnd()

      let status: string | undefined
      let ended = 0
      const look = (delay: number): void => {
        clearTimeout(timer)
        const said = stdout.drain()
        const complained = stderr.drain()
        if (stdout.size > maxStdout) {
          if (pid !== undefined && status === undefined) killGroup(pid)
          settle({ _tag: "Refused", errno: "EFBIG" })
        } else if (status !== undefined && ((stdout.done && stderr.done) || Date.now() - ended >= grace)) {
          settle({ _tag: "Ended", status, stdout: stdout.text(), stderr: stderr.text() })
        } else {
          timer = setTimeout(look, delay, said || complained ? firstLook : Math.min(delay * 2, longestLook))
        }
      }
      child.once("error", refuse)
      child.once("exit", (code, signal) => {
        status = signal === null ? `exit status ${code}` : `signal ${signal}`
        ended = Date.now()
        if (closers.length > 0) look(firstLook)
      })
      if (pid === undefined) return
      look(firstLook)
      return Effect.callback<void>((resume) => {
        clearTimeout(timer)
        let dying = setTimeout(() => {
          dying = setTimeout(() => resume(Effect.void), maxDying)
          killGroup(pid)
        }, maxEnding)
        const gone = (): void => {
          clearTimeout(dying)
          for (const close of closers.splice(0)) close()
          resume(Effect.void)
        }
        if (status !== undefined) return gone()
        child.removeAllListeners("exit").once("exit", gone)
      })
    } catch (thrown) {
      refuse(thrown)
    }
  })
