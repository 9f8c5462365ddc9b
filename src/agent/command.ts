/** `macvtap agent`, as a command: its options. What it does is evaluated only where it runs. */
import * as Effect from "effect/Effect"
import { makeCommand, UsageError, type Values } from "../command/Command.ts"
import { type Address, parseAddress } from "../observe/address.ts"
import { logLevels } from "../services/LogService.ts"
import { quote } from "../wire/foreign.ts"
import { engine } from "./engine.ts"
import { defaultLimits, type Limits } from "./limits.ts"
import { agentSocket } from "./socket.ts"

/** Says that the engine has been told, so that nobody is told for ever. */
const toldVariable = "MACVTAP_AGENT_TOLD"

const options = {
  socket: {
    type: "string",
    value: "PATH",
    path: true,
    default: agentSocket,
    help: "where clients find it; the folder is root's alone"
  },
  calls: { type: "string", value: "N", default: String(defaultLimits.running), help: "calls answered at once" },
  waiting: {
    type: "string",
    value: "N",
    default: String(defaultLimits.waiting),
    help: "calls that may wait for that; one more is answered with code 11, try again later"
  },
  "time-limit": {
    type: "string",
    value: "SECONDS",
    default: String(defaultLimits.seconds),
    help: "for a call, waiting included; what takes longer is taken back"
  },
  listen: {
    type: "string",
    value: "HOST:PORT",
    help: "/healthz and /metrics are answered there; nowhere where left out"
  },
  "log-level": {
    type: "string",
    value: "LEVEL",
    default: "info",
    choices: logLevels,
    help: "the least that is told on stderr: debug, info, warning, error; info has a line for each call"
  },
  status: { type: "boolean", help: "ask the agent that listens there for its status, and print it" }
} as const

export const agent = makeCommand({
  name: "agent",
  summary: "run the agent: answer the CNI calls of this node's macvtap-client",
  description: [
    "Stays up and answers the calls that macvtap-client hands to it, so that a node runs one engine and not one for each " +
      "call. It acts in the client's network namespace and below the client's root directory, never its own. On SIGTERM " +
      "it takes no new calls and finishes those that it has. It takes the socket of a systemd unit where it is given one.",
    "Without an agent a client becomes macvtap-standalone, beside it; docs/agent.md tells of all that."
  ],
  options,
  resident: true,
  run: Effect.fnUntraced(function* (values, { env, err, log, out, commandLine, pid }) {
    const limits = yield* readLimits(values)
    if (values.status) {
      const { askAgent } = yield* Effect.promise(() => import("./conversation/ask.ts"))
      return yield* askAgent(values.socket).pipe(
        Effect.flatMap((status) => Effect.as(out(`${JSON.stringify(status)}\n`), status.able ? 0 : 1)),
        Effect.catchTag("AgentUnreachable", ({ socket, problem }) =>
          Effect.as(err(`macvtap agent: no agent answers on ${quote(socket)}: ${problem}\n`), 1)
        )
      )
    }
    if (env[toldVariable] === undefined) {
      const { execve } = yield* Effect.promise(() => import("../live/system/libc.ts"))
      const { UV_THREADPOOL_SIZE = engine.UV_THREADPOOL_SIZE } = env
      const words = Object.entries({
        ...env,
        ...engine,
        UV_THREADPOOL_SIZE,
        [toldVariable]: "1"
      })
      execve(
        commandLine[0] ?? "",
        commandLine,
        words.flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}`])),
        env["LISTEN_FDS"] === undefined ? [0, 1, 2] : [0, 1, 2, 3]
      )
    }
    const { runAgent } = yield* Effect.promise(() => import("./main.ts"))
    return yield* runAgent({
      socket: values.socket,
      limits,
      listen: yield* readAddress(values.listen),
      level: values["log-level"],
      process: { env, pid, log }
    })
  })
})

const readAddress = (text: string | undefined): Effect.Effect<Address | undefined, UsageError> => {
  const address = text === undefined ? undefined : parseAddress(text)
  return text !== undefined && address === undefined
    ? Effect.fail(
        new UsageError({ problem: `--listen is ${quote(text)}, but must be an address such as 127.0.0.1:9476` })
      )
    : Effect.succeed(address)
}

/** The limits, or which of them is no number of that sort. */
export const readLimits = (values: Values<typeof options>): Effect.Effect<Limits, UsageError> =>
  Effect.all({
    running: readNumber("--calls", values.calls, 1, 4096),
    waiting: readNumber("--waiting", values.waiting, 0, 65_536),
    seconds: readNumber("--time-limit", values["time-limit"], 1, 50)
  })

const readNumber = (option: string, text: string, least: number, most: number): Effect.Effect<number, UsageError> => {
  const number = /^\d{1,6}$/.test(text) ? Number(text) : Number.NaN
  return number >= least && number <= most
    ? Effect.succeed(number)
    : Effect.fail(
        new UsageError({ problem: `${option} is ${quote(text)}, but must be a number from ${least} to ${most}` })
      )
}
