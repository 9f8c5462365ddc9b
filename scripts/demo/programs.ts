/** Other programs, in the namespaces of the demo. */
import * as lab from "../../test/lab/run.ts"
import type { Answer } from "./Stage.ts"

/**
 * Runs a program to its end; `signal` ends it early by SIGTERM, on which the plugin takes back what it has done. One that
 * cannot be started ends as a shell would say it: 127.
 */
export const run = async (
  command: string,
  args: ReadonlyArray<string>,
  options: Pick<lab.RunOptions, "env" | "stdin" | "signal"> = {}
): Promise<Answer> => {
  const started = performance.now()
  const result = await lab
    .run(command, args, { ...options, timeout: 0, killSignal: "SIGTERM" })
    .catch((error: Error) => ({ status: 127, stdout: "", stderr: error.message }))
  return { ...result, milliseconds: performance.now() - started }
}

/** Whether a program is there to be run. */
export const exists = async (command: string): Promise<boolean> =>
  (await run("sh", ["-c", `command -v ${command}`])).status === 0
