/** Whether somebody answers on a unix socket. */
import { createConnection } from "node:net"
import * as Effect from "effect/Effect"
import { errnoOf } from "./files.ts"

/** A listening socket takes a connection at once, unless its queue is full. */
const timeLimit = "1 second"

/** `undefined`: somebody took the connection; else why not, `ECONNREFUSED` where nobody listens. */
export const probeSocket = (path: string): Effect.Effect<string | undefined> =>
  Effect.timeoutOrElse(connect(path), { duration: timeLimit, orElse: () => Effect.succeed("ETIMEDOUT") })

const connect = (path: string): Effect.Effect<string | undefined> =>
  Effect.callback((resume) => {
    const socket = createConnection({ path })
    const settle = (answer: string | undefined) => {
      socket.destroy()
      resume(Effect.succeed(answer))
    }
    socket.once("connect", () => settle(undefined))
    socket.once("error", (error) => settle(errnoOf(error)))
    return Effect.sync(() => socket.destroy())
  })
