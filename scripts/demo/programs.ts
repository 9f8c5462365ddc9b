/** Other programs, in the namespaces of the demo. */
import { spawn } from "node:child_process"
import type { Answer } from "./Stage.ts"

/** Runs a program to its end; `signal` ends it early by SIGTERM, on which the plugin takes back what it has done. */
export const run = (
  command: string,
  args: ReadonlyArray<string>,
  options: {
    readonly env?: Readonly<Record<string, string>>
    readonly stdin?: string
    readonly signal?: AbortSignal
  } = {}
): Promise<Answer> =>
  new Promise((resolve) => {
    const started = performance.now()
    const child = spawn(command, args, {
      stdio: "pipe",
      ...(options.env === undefined ? {} : { env: { ...options.env } }),
      ...(options.signal === undefined ? {} : { signal: options.signal })
    })
    let stdout = ""
    let stderr = ""
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text
    })
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text
    })
    // One that cannot be started ends as a shell would say it: 127.
    child.on("error", (error) => {
      stderr += error.message
      if (child.pid === undefined) resolve({ status: 127, stdout, stderr, milliseconds: 0 })
    })
    child.on("close", (code) =>
      resolve({ status: code ?? 1, stdout, stderr, milliseconds: performance.now() - started })
    )
    child.stdin.on("error", () => {})
    child.stdin.end(options.stdin ?? "")
  })

/** Whether a program is there to be run. */
export const exists = async (command: string): Promise<boolean> =>
  (await run("sh", ["-c", `command -v ${command}`])).status === 0
