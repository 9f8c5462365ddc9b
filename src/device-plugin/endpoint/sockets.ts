/** Unix sockets as files: put in place in one step, told apart, and cleared away. */
import { lstatSync, readdirSync, renameSync, rmSync, statSync } from "node:fs"
import { connect, type Server } from "node:net"
import { dirname } from "node:path"
import * as Effect from "effect/Effect"
import { isEndpointName, longestPath } from "../../devices/endpointName.ts"
import { ServeError } from "./EndpointServer.ts"

/**
 * The server listens under another name, which is then put in the place of whatever lies at the path: a stale socket of
 * a daemon that was killed is replaced in one step. Also, at its end it removes the name under which it listened, and
 * not another daemon's socket that may have our place by then.
 */
export const listen = (server: Server, path: string): Effect.Effect<string, ServeError> =>
  Effect.callback((resume) => {
    const fail = (problem: string) => resume(Effect.fail(new ServeError({ path, problem })))
    const beside = `${dirname(path)}/.macvtap-${Math.random().toString(36).slice(2, 8)}.sock`
    if (Buffer.byteLength(path) > longestPath || Buffer.byteLength(beside) > longestPath) {
      return fail(`the path is longer than ${longestPath} bytes, the limit of unix sockets`)
    }
    server.once("error", (error) => fail(error.message))
    server.listen(beside, () => {
      try {
        const { dev, ino } = statSync(beside)
        renameSync(beside, path)
        resume(Effect.succeed(`${dev}:${ino}`))
      } catch (thrown) {
        rmSync(beside, { force: true })
        fail(String(thrown))
      }
    })
  })

/** Whether the socket that `listen` answered is the one at the path. */
export const stateOf = (path: string, identity: string): "ours" | "lost" | "taken" => {
  try {
    const { dev, ino } = lstatSync(path)
    return `${dev}:${ino}` === identity ? "ours" : "taken"
  } catch {
    return "lost"
  }
}

/** Whether nobody accepts connections there. A daemon that is about to end, or another one, still does. */
const isDead = (path: string): Effect.Effect<boolean> =>
  Effect.callback((resume) => {
    const socket = connect(path)
    socket.on("connect", () => {
      socket.destroy()
      resume(Effect.succeed(false))
    })
    socket.on("error", (error: NodeJS.ErrnoException) => resume(Effect.succeed(error.code === "ECONNREFUSED")))
  })

const socketsIn = (folder: string): ReadonlyArray<string> => {
  try {
    return readdirSync(folder).filter(isEndpointName)
  } catch {
    return []
  }
}

/** Answers the names that were removed. */
export const removeStale = Effect.fnUntraced(function* (folder: string) {
  const removed: Array<string> = []
  for (const name of socketsIn(folder)) {
    if (!(yield* isDead(`${folder}/${name}`))) continue
    rmSync(`${folder}/${name}`, { force: true })
    removed.push(name)
  }
  return removed
})
