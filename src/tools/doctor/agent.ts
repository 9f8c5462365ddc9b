/** The agent that the node's clients hand their calls to: whether it answers, what it is, and a call through it. */
import { dirname, join } from "node:path"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { newestVersion } from "../../cni/call/version.ts"
import { runApart } from "../node/runApart.ts"
import { type Finding, fine, note, type Site, wrong } from "./Finding.ts"
import type { Client } from "./plugins.ts"

const check = "agent"

/** For each socket that a client looks for. */
export const agents = Effect.fn("agents")(function* (site: Site, clients: ReadonlyArray<Client>) {
  const sockets = [...new Set(clients.map(({ socket }) => socket))]
  const found = yield* Effect.forEach(sockets, (socket) =>
    agentFindings(
      site,
      socket,
      clients.filter((client) => client.socket === socket)
    )
  )
  return found.flat()
})

const agentFindings = Effect.fnUntraced(function* (site: Site, below: string, clients: ReadonlyArray<Client>) {
  const socket = join(site.root, below)
  const asked = yield* ask(socket)
  if (typeof asked === "string") return [absent(socket, asked, clients)]
  const { version, pid, able, problem = "", calls, limits } = asked
  if (!able) return [wrong(check, `version ${version} answers on ${socket}, but cannot serve: ${problem}`, restart)]
  const says = `version ${version} (process ${pid}) answers on ${socket}: at most ${limits.running} calls at once, ${limits.waiting} waiting, ${limits.seconds} s each; now ${calls.running}, ${calls.waiting} waiting`
  const others = clients.filter((client) => client.version !== version)
  return [
    others.length === 0
      ? fine(check, says)
      : note(
          check,
          `${says}; ${others.map(({ path, version: one }) => `${path} is version ${one}`).join(", ")}`,
          upgrade
        ),
    ...(yield* callFindings(site, clients))
  ]
})

const restart = "look at its log, and at its rights (deploy/README.md)"
const upgrade = "install the same version of both; until then they understand each other, or the client does without"

const absent = (socket: string, why: string, clients: ReadonlyArray<Client>): Finding =>
  clients.every(({ standsAlone }) => standsAlone)
    ? note(check, `none answers on ${socket}: ${why}; each call starts an engine of its own`, `start "macvtap agent"`)
    : wrong(check, `none answers on ${socket}: ${why}; every call fails, with code 11`, `start "macvtap agent"`)

/** What it says, or why it says nothing. What that takes is evaluated only here. */
const ask = (socket: string) =>
  Effect.promise(() => import("../../agent/conversation/ask.ts")).pipe(
    Effect.flatMap(({ askAgent }) => askAgent(socket)),
    Effect.catch(({ problem }) => Effect.succeed(problem))
  )

/** A client looks for the socket below its own root: with the node's files elsewhere it would find another's. */
const callFindings = Effect.fnUntraced(function* ({ root }: Site, clients: ReadonlyArray<Client>) {
  return join(root, "/") === "/" ? yield* Effect.forEach(clients, callThrough) : []
})

/** STATUS makes nothing; a master of the container's is not looked for. */
const call = JSON.stringify({
  cniVersion: newestVersion,
  name: "macvtap-doctor",
  type: "macvtap",
  master: "eth0",
  linkInContainer: true
})

const callThrough = ({ path }: Client): Effect.Effect<Finding> =>
  runApart(path, { env: { CNI_COMMAND: "STATUS", CNI_PATH: dirname(path) }, stdin: call }).pipe(
    Effect.map(({ status, stdout }) => {
      if (status === 0) return fine(check, `a call through ${path} is answered`)
      return wrong(check, `a call through ${path} fails: ${wordsOf(stdout)}`, "do what it says")
    }),
    Effect.catch((why) => Effect.succeed(wrong(check, `a call through ${path} fails: ${why}`, restart)))
  )

const decodeError = Schema.decodeUnknownOption(
  Schema.fromJsonString(Schema.Struct({ msg: Schema.String, details: Schema.optionalKey(Schema.String) }))
)

/** Of the protocol's error object. */
const wordsOf = (stdout: string): string => {
  const error = decodeError(stdout)
  if (error._tag === "None") return "it answers nothing that makes sense"
  const { msg, details } = error.value
  return details === undefined ? msg : `${msg}; ${details}`
}
