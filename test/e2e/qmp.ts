/** QEMU's monitor, as far as a live migration needs it: a line of JSON for a command, one for its answer, events between. */
import { connect, type Socket } from "node:net"
import { createInterface } from "node:readline"
import { until } from "../lab/run.ts"

export interface Monitor extends AsyncDisposable {
  /** Gives `return`; rejects with QEMU's words. */
  readonly execute: (command: string, args?: object) => Promise<Readonly<Record<string, unknown>>>
}

const open = async (path: string): Promise<Socket> => {
  let socket: Socket | undefined
  await until(`QEMU listens at ${path}`, async () => {
    socket = await new Promise<Socket | undefined>((resolve) => {
      const attempt = connect(path)
      attempt.once("connect", () => resolve(attempt))
      attempt.once("error", () => resolve(undefined))
    })
    return socket !== undefined
  })
  if (socket === undefined) throw new Error(`no socket at ${path}`)
  return socket
}

export const openMonitor = async (path: string): Promise<Monitor> => {
  const socket = await open(path)
  const answers: Array<(answer: Record<string, unknown>) => void> = []
  createInterface({ input: socket })
    .on("line", (line) => {
      const message = JSON.parse(line) as Record<string, unknown>
      if ("return" in message || "error" in message) answers.shift()?.(message)
    })
    .on("error", () => {})
  // It ends without a word when it is told to quit.
  socket
    .on("error", () => {})
    .on("close", () => {
      for (const answer of answers.splice(0)) answer({ error: { desc: "it has ended" } })
    })
  const execute: Monitor["execute"] = async (command, args = {}) => {
    const answered = new Promise<Record<string, unknown>>((resolve) => answers.push(resolve))
    socket.write(`${JSON.stringify({ execute: command, arguments: args })}\n`)
    const { return: value, error } = await answered
    if (error !== undefined) throw new Error(`QEMU, ${command}: ${(error as { desc: string }).desc}`)
    return value as Record<string, unknown>
  }
  await execute("qmp_capabilities")
  return {
    execute,
    [Symbol.asyncDispose]: async () => void socket.destroy()
  }
}
