/** Whether somebody answers on a unix socket. */
import * as Effect from "effect/Effect"
import { errnoOf } from "./files.ts"

/** Milliseconds: a listening socket takes a connection at once, unless its queue is full. */
const timeLimit = 1000

/** `undefined`: somebody took the connection; else why not, `ECONNREFUSED` where nobody listens. */
export const probeSocket = (path: string): Effect.Effect<string | undefined> =>
  Effect.promise(async () => {
    const { createConnection } = await import("node:net")
    return new Promise<string | undefined>((resolve) => {
      const socket = createConnection({ path })
      const settle = (answer: string | undefined) => {
        socket.destroy()
        resolve(answer)
      }
      socket.setTimeout(timeLimit, () => settle("ETIMEDOUT"))
      socket.once("connect", () => settle(undefined))
      socket.once("error", (error) => settle(errnoOf(error)))
    })
  })
