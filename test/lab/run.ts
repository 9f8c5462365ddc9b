/** Other programs, as a test runs them: to the end, with everything they said. */
import { spawn } from "node:child_process"

export interface RunOptions {
  readonly stdin?: string | Uint8Array
  /** The whole environment of the child; the test's own when left out. */
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  /** Milliseconds after which the child is killed; 60,000 when left out, 0 for never. */
  readonly timeout?: number
  /** Kills the child, and rejects once it has ended. */
  readonly signal?: AbortSignal
  /** What kills it; SIGKILL when left out. */
  readonly killSignal?: NodeJS.Signals
}

export interface RunResult {
  /** The exit status; 128 + the signal's number where a signal ended it, as shells count. */
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

const signalNumbers: Readonly<Record<string, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGABRT: 6,
  SIGKILL: 9,
  SIGPIPE: 13,
  SIGTERM: 15
}

/** Runs a program to its end. Rejects only where it cannot be started. */
export const run = (command: string, args: ReadonlyArray<string>, options: RunOptions = {}): Promise<RunResult> =>
  new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      stdio: "pipe",
      timeout: options.timeout ?? 60_000,
      killSignal: options.killSignal ?? "SIGKILL",
      ...(options.env === undefined ? {} : { env: { ...options.env } }),
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      ...(options.signal === undefined ? {} : { signal: options.signal })
    })
    const stdout: Array<Buffer> = []
    const stderr: Array<Buffer> = []
    child.stdout.on("data", (chunk: Buffer) => stdout.push(chunk))
    child.stderr.on("data", (chunk: Buffer) => stderr.push(chunk))
    let failure: Error | undefined
    child.on("error", (error) => {
      failure = error
      if (child.pid === undefined) reject(error)
    })
    child.on("close", (code, signal) => {
      if (failure !== undefined) return reject(failure)
      resolve({
        status: code ?? 128 + (signalNumbers[signal ?? ""] ?? 0),
        stdout: Buffer.concat(stdout).toString(),
        stderr: Buffer.concat(stderr).toString()
      })
    })
    // A child that ends without reading its stdin is no fault of the test's.
    child.stdin.on("error", () => {})
    child.stdin.end(options.stdin ?? "")
  })

/** Runs a program that has to succeed, and gives its stdout; throws with what it said otherwise. */
export const must = async (command: string, args: ReadonlyArray<string>, options: RunOptions = {}): Promise<string> => {
  const result = await run(command, args, options)
  if (result.status !== 0) {
    throw new Error(`${command} ${args.join(" ")}: status ${result.status}\n${result.stdout}${result.stderr}`)
  }
  return result.stdout
}

/** `ip …` that has to succeed: `await ip("link add v0 type veth peer name v1")`. Words are split at spaces. */
export const ip = (words: string): Promise<string> => must("ip", words.trim().split(/\s+/))

/** Asks until it is true; throws after `timeout` milliseconds. */
export const until = async (
  what: string,
  isTrue: () => boolean | Promise<boolean>,
  timeout = 10_000
): Promise<void> => {
  const end = Date.now() + timeout
  while (!(await isTrue())) {
    if (Date.now() > end) throw new Error(`not within ${timeout} ms: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
