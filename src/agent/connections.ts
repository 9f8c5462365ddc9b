/** Who connects: looked at, heard for its first words within a time, and given to whom the words are for. */
import { closeSync } from "node:fs"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { hasMore } from "../live/system/libc.ts"
import type { Packet } from "../live/system/packets.ts"
import { accept, closeAll, peerOf, receive, receiveOrEnd, send } from "../live/system/packets.ts"
import { answer, type Resident } from "./call.ts"
import { makeClient } from "./conversation/Client.ts"
import { readOpening, say } from "./conversation/conversation.ts"
import { readHanded } from "./conversation/handed.ts"
import { sendText } from "./conversation/texts.ts"

/** Milliseconds until the first packet, which a client sends when it has read its stdin; one that is let go connects again. */
const openingLimit = 5_000
/** Milliseconds in which most clients have sent it; to go on, and be called when it is there, takes up to a tenth of an ADD. */
const moment = 1

export interface Attended extends Resident {
  /** The document that answers `status`. */
  readonly status: Effect.Effect<string>
  /** The document that answers `trace`. */
  readonly spansOf: (traceId: string) => string
  /** Whose calls are answered beside root's. */
  readonly user: number
  /** Connections that have not said anything yet. */
  readonly silent: Set<number>
}

/** Takes every connection that waits, and attends to each with `run`. */
export const acceptAll = (listener: number, attended: Attended, run: (work: Effect.Effect<void>) => void): void => {
  for (let fd = accept(listener); fd !== undefined; fd = accept(listener)) run(attend(fd, attended))
}

/** One connection, until it is closed. */
const attend = (connection: number, attended: Attended): Effect.Effect<void> =>
  Effect.suspend(() => {
    const first = soon(connection, attended)
    const attendTo = (packet: Packet | "ended"): Effect.Effect<void> =>
      packet === "ended" ? Effect.sync(() => closeSync(connection)) : hear(connection, packet, attended)
    return first === undefined ? Effect.flatMap(firstPacket(connection, attended), attendTo) : attendTo(first)
  })

/**
 * The first packet, where it is there, or all but: with no call to go on with, this thread can as well wait that long. Not for
 * one after the other, of many that say nothing.
 */
const soon = (connection: number, { gate, silent }: Attended): Packet | "ended" | undefined => {
  const { running, waiting } = gate.counts()
  if (running + waiting + silent.size === 0) hasMore(connection, moment)
  return receiveOrEnd(connection)
}

/** The first packet, once it comes; `"ended"` where none comes in time. */
const firstPacket = (connection: number, { poller, silent }: Attended): Effect.Effect<Packet | "ended"> =>
  Effect.callback((resume) => {
    const stopWaiting = (): void => {
      clearTimeout(timer)
      unwatch()
      silent.delete(connection)
    }
    const end = (packet: Packet | "ended"): void => {
      stopWaiting()
      resume(Effect.succeed(packet))
    }
    const unwatch = poller.watch(connection, () => {
      const packet = receiveOrEnd(connection)
      if (packet !== undefined) end(packet)
    })
    // It may be there by now, where this process was stopped meanwhile: closed over it, its client would not know of that.
    const timer = setTimeout(() => end(receiveOrEnd(connection) ?? "ended"), openingLimit)
    silent.add(connection)
    return Effect.sync(() => {
      stopWaiting()
      closeSync(connection)
    })
  })

const hear = (connection: number, packet: Packet, attended: Attended): Effect.Effect<void> => {
  const { text, descriptors } = packet
  const opening = readOpening(text)
  const over = Effect.sync(() => closeAll(descriptors))
  const refuse = (why: string): Effect.Effect<void> => {
    attended.gate.refuse()
    return speak(connection, say.refused(why))
  }
  const { uid } = peerOf(connection)
  if (uid !== 0 && uid !== attended.user) return Effect.ensuring(refuse(`user ${uid} is not who may call`), over)
  if (opening._tag === "Unknown") return Effect.ensuring(refuse(opening.problem), over)
  if (opening._tag === "Status") {
    return attended.status.pipe(
      Effect.flatMap((document) => speak(connection, say.status, document)),
      Effect.ensuring(over)
    )
  }
  if (opening._tag === "Trace") {
    return Effect.ensuring(speak(connection, say.status, attended.spansOf(opening.traceId)), over)
  }
  const handed = readHanded(opening, packet)
  if (Result.isFailure(handed)) return Effect.ensuring(refuse(handed.failure), over)
  return Effect.withFiber((fiber) => {
    const client = makeClient(connection, attended.poller, () => fiber.interruptUnsafe())
    return Effect.onExit(answer({ client, opening, handed: handed.success }, attended), () => {
      client.close()
      closeAll(descriptors)
      return Effect.void
    })
  })
}

/** A last word. What came meanwhile is read, since closing over it would take the word back (ECONNRESET). */
const speak = (connection: number, words: string, text?: string): Effect.Effect<void> =>
  Effect.sync(() => {
    try {
      if (text === undefined) send(connection, words)
      else sendText(connection, words, text)
      for (let more = receive(connection); more !== undefined && more !== "ended"; more = receive(connection)) {
        closeAll(more.descriptors)
      }
    } catch {
      // It is gone already.
    } finally {
      closeSync(connection)
    }
  })
