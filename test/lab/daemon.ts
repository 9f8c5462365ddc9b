/** A program that runs beside a test (dnsmasq, QEMU …), heard line by line, and killed at the end of its block. */
import { spawn } from "node:child_process"

export interface Daemon extends AsyncDisposable {
  readonly pid: number
  /** Everything it has said so far, stdout and stderr, line by line. */
  readonly lines: ReadonlyArray<string>
  /** Writes to its stdin. */
  readonly write: (text: string) => void
  /** The first line at or after `from` that matches; rejects when it ends before, or after `timeout` ms. */
  readonly line: (pattern: RegExp, timeout: number, from?: number) => Promise<string>
  /** Settles when it has ended, with its exit status (137 where it was killed). */
  readonly ended: Promise<number>
}

export interface DaemonOptions {
  readonly env?: Readonly<Record<string, string>>
  readonly onLine?: (line: string) => void
  readonly signal?: AbortSignal
}

/** Starts `command`; it dies with the test, however the test ends (PR_SET_PDEATHSIG, by setpriv). */
export const startDaemon = (command: string, args: ReadonlyArray<string>, options: DaemonOptions = {}): Daemon => {
  const child = spawn("setpriv", ["--pdeathsig", "KILL", command, ...args], {
    stdio: "pipe",
    ...(options.env === undefined ? {} : { env: { ...options.env } })
  })
  const lines: Array<string> = []
  const waiting = new Set<() => void>()
  const wake = () => waiting.forEach((look) => look())
  let over = false
  for (const stream of [child.stdout, child.stderr]) {
    let rest = ""
    stream.setEncoding("utf8").on("data", (chunk: string) => {
      const parts = (rest + chunk).split(/\r*\n/)
      rest = parts.pop() ?? ""
      for (const line of parts) {
        lines.push(line)
        options.onLine?.(line)
      }
      wake()
    })
  }
  child.stdin.on("error", () => {})
  const ended = new Promise<number>((resolve) => {
    const end = (status: number) => {
      over = true
      resolve(status)
      wake()
    }
    child.on("close", (code) => end(code ?? 137))
    child.on("error", () => end(127))
  })
  return {
    pid: child.pid ?? 0,
    lines,
    write: (text) => child.stdin.write(text),
    ended,
    line: (pattern, timeout, from = 0) =>
      new Promise((resolve, reject) => {
        let at = from
        const settle = (act: () => void) => {
          waiting.delete(look)
          clearTimeout(timer)
          options.signal?.removeEventListener("abort", look)
          act()
        }
        const last = () => lines.slice(-5).join(" | ")
        const look = () => {
          for (; at < lines.length; at++) {
            const line = lines[at] ?? ""
            if (pattern.test(line)) return settle(() => resolve(line))
          }
          if (over) settle(() => reject(new Error(`${command} ended before it said ${pattern}: ${last()}`)))
          else if (options.signal?.aborted === true) settle(() => reject(new Error("interrupted")))
        }
        const timer = setTimeout(
          () => settle(() => reject(new Error(`${command} did not say ${pattern} within ${timeout} ms: ${last()}`))),
          timeout
        )
        waiting.add(look)
        options.signal?.addEventListener("abort", look)
        look()
      }),
    [Symbol.asyncDispose]: async () => {
      if (!over) child.kill("SIGKILL")
      await ended
    }
  }
}
