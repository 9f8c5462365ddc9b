/** Asks an agent for what it is, without a call. */
import { closeSync } from "node:fs"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import { errnoOf } from "../../live/system/errno.ts"
import { closeAll, connectTo, type Packet, receive, send } from "../../live/system/packets.ts"
import { makePoller } from "../../live/system/poller.ts"
import { type Ended, endedFromJson, type endedToJson } from "../../observe/Ended.ts"
import type { Status } from "../status.ts"
import { conversationVersion, say } from "./conversation.ts"
import { bytesOfText } from "./texts.ts"

/** Nobody listens there (`ENOENT`, `ECONNREFUSED`), or nobody answers as an agent of this version does. */
export class AgentUnreachable extends Data.TaggedError("AgentUnreachable")<{
  readonly socket: string
  readonly problem: string
}> {}

/** Milliseconds. */
const patience = 2_000

/** The status of the agent that listens on the socket. */
export const askAgent = (socket: string): Effect.Effect<Status, AgentUnreachable> =>
  Effect.map(ask(socket, "status"), (answer) => answer as Status)

/** What it did in a trace (32 hex digits), in the order of its ends; nothing where it does not remember it. */
export const askForTrace = (socket: string, traceId: string): Effect.Effect<ReadonlyArray<Ended>, AgentUnreachable> =>
  Effect.map(ask(socket, `trace ${traceId}`), (answer) =>
    (answer as { readonly spans: ReadonlyArray<ReturnType<typeof endedToJson>> }).spans.map(endedFromJson)
  )

const ask = (socket: string, question: string): Effect.Effect<unknown, AgentUnreachable> => {
  const unreachable = (problem: string): AgentUnreachable => new AgentUnreachable({ socket, problem })
  return Effect.callback<unknown, AgentUnreachable>((resume) => {
    let fd: number | undefined
    const end = (outcome: Effect.Effect<unknown, AgentUnreachable>): void => {
      clearTimeout(timer)
      poller.close()
      if (fd !== undefined) closeSync(fd)
      resume(outcome)
    }
    const fail = (problem: string): void => end(Effect.fail(unreachable(problem)))
    const poller = makePoller((reason) => fail(String(reason)))
    const timer = setTimeout(() => fail("it does not answer"), patience)
    try {
      fd = connectTo(socket)
      const connection = fd
      poller.watch(connection, () => {
        const packet = receive(connection)
        if (packet === "ended") fail("it answers nothing")
        else if (packet !== undefined) end(readAnswer(packet, unreachable))
      })
      send(connection, `macvtap ${conversationVersion} ${question}`)
    } catch (thrown) {
      fail(errnoOf(thrown) ?? String(thrown))
    }
  })
}

/** Bytes: a trace that is remembered has some 150 KB at most. */
const longestAnswer = 4 * 1024 * 1024

const readAnswer = (
  packet: Packet,
  unreachable: (problem: string) => AgentUnreachable
): Effect.Effect<unknown, AgentUnreachable> => {
  const [file] = packet.descriptors
  const read = (): unknown => JSON.parse(decoder.decode(bytesOfText(packet, file, longestAnswer)))
  const answer =
    packet.text === say.status
      ? Effect.try({ try: read, catch: () => unreachable("its answer is not JSON") })
      : Effect.fail(unreachable(`it says: ${packet.text}`))
  return Effect.ensuring(
    answer,
    Effect.sync(() => closeAll(packet.descriptors))
  )
}

const decoder = new TextDecoder()
