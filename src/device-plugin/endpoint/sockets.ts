/** Unix sockets as files: put in place in one step, told apart, and cleared away. */
import { lstatSync, readdirSync, renameSync, rmSync, statSync } from "node:fs"
import { connect, type Server } from "node:net"
import { dirname } from "node:path"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
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

/** Milliseconds: a socket that is listened on takes a connection at once, unless too many wait. */
const patience = 1000

/** Whether somebody listens there: `"dead"` is a socket that was left over, `"none"` where there is no socket. */
const look = (path: string): Effect.Effect<"living" | "dead" | "none"> =>
  Effect.callback<"living" | "dead" | "none">((resume) => {
    const socket = connect(path)
    socket.on("connect", () => resume(Effect.succeed("living")))
    socket.on("error", (error: NodeJS.ErrnoException) =>
      resume(Effect.succeed(error.code === "ECONNREFUSED" ? "dead" : "none"))
    )
    return Effect.sync(() => socket.destroy())
  }).pipe(Effect.timeoutOption(patience), Effect.map(Option.getOrElse(() => "living" as const)))

/** The first name at which nobody listens; the first of all where somebody does at each. */
export const freeName = Effect.fnUntraced(function* (
  folder: string,
  names: readonly [string, ...ReadonlyArray<string>]
) {
  for (const name of names) if ((yield* look(`${folder}/${name}`)) !== "living") return name
  return names[0]
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
    if ((yield* look(`${folder}/${name}`)) !== "dead") continue
    rmSync(`${folder}/${name}`, { force: true })
    removed.push(name)
  }
  return removed
})
