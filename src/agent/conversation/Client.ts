/**
 * One client as the agent deals with it: what it can be asked for (write this, run that), and word of its end. A thing of
 * callbacks, since packets come when they come; what is asked for is an Effect.
 */
import { closeSync } from "node:fs"
import * as Effect from "effect/Effect"
import type { StartProgram } from "../../live/process/process.ts"
import { errnoOf, SystemError } from "../../live/system/errno.ts"
import { closeAll, receiveOrEnd, send, shutdown } from "../../live/system/packets.ts"
import type { Poller } from "../../live/system/poller.ts"
import { errnoName } from "../../wire/errno.ts"
import { readWord, say, type Word, waitStatus } from "./conversation.ts"
import { longestInPacket, sendText } from "./texts.ts"

/** Milliseconds for an answer to be written: more than a client gives whoever reads its stdout. */
const deliveryLimit = 7_000

/** Why a call is to end before it is done. */
export type Reason = "signal" | "gone" | "time limit"

export interface Client {
  /** Has the text written to stdout, and the client then end with `status`. Fails with an errno; not to be interrupted. */
  readonly deliver: (text: string, status: number) => Effect.Effect<void, string>
  /** For stderr; best effort. */
  readonly tell: (text: string) => void
  /** Has the client end with `status`, where it has not been told to by its answer; nothing stops the call any more. */
  readonly end: (status: number) => void
  /** Runs a program where the client runs. */
  readonly start: StartProgram
  /** Ends the call for that reason, unless its answer has been written already. */
  readonly stop: (reason: Reason) => void
  readonly stopped: () => Reason | undefined
  /** Reads now what the client has said: a wish to stop interrupts the call. */
  readonly heed: () => void
  readonly close: () => void
}

/** `interrupt` is called at most once, when the call is to end. The connection is the client's to close. */
export const makeClient = (connection: number, poller: Poller, interrupt: () => void): Client => {
  let stopped: Reason | undefined
  let answered = false
  let gone = false
  let closed = false
  let delivering: ((outcome: Delivery) => void) | undefined
  let child: { readonly settle: (status: string) => void; readonly refused: (errno: string) => void } | undefined

  const settleDelivery = (outcome: Delivery): void => {
    const settle = delivering
    delivering = undefined
    if (settle === undefined) return
    if (outcome === "delivered") answered = true
    settle(outcome)
  }
  const stop = (reason: Reason): void => {
    // An answer that is on its way decides for itself whether the call has succeeded.
    if (answered || delivering !== undefined || stopped !== undefined) return
    stopped = reason
    interrupt()
  }
  const leave = (): void => {
    if (gone) return
    gone = true
    unwatch()
    settleDelivery("EPIPE")
    const left = child
    child = undefined
    left?.refused("ECANCELED")
    stop("gone")
  }
  const hear = (word: Word): void => {
    switch (word._tag) {
      case "Delivered":
        settleDelivery("delivered")
        break
      case "Undelivered":
        settleDelivery(errnoName(word.errno))
        break
      case "Stop":
        stop("signal")
        break
      case "Ended":
      case "Unstarted": {
        const ended = child
        child = undefined
        if (word._tag === "Ended") ended?.settle(waitStatus(word.status))
        else ended?.refused(errnoName(word.errno))
      }
    }
  }
  /** Takes everything that is there. A client that says what no client says is none. */
  const read = (): void => {
    while (!gone) {
      const packet = receiveOrEnd(connection)
      if (packet === undefined) return
      if (packet === "ended") {
        leave()
        return
      }
      closeAll(packet.descriptors)
      const word = readWord(packet.text)
      if (word === undefined) leave()
      else hear(word)
    }
  }
  const unwatch = poller.watch(connection, read)

  const quietly = (words: string): void => {
    if (gone) return
    try {
      send(connection, words)
    } catch {
      // It is gone, or does not read: its end is heard of otherwise.
    }
  }
  const giveText = (words: string, text: string, descriptors?: ReadonlyArray<number>): void => {
    if (gone) throw new SystemError("send", "EPIPE")
    sendText(connection, words, text, descriptors)
  }
  return {
    deliver: (text, status) =>
      Effect.uninterruptible(
        Effect.callback<void, string>((resume) => {
          const settle = (outcome: Delivery): void => {
            clearTimeout(timer)
            resume(outcome === "delivered" ? Effect.void : Effect.fail(outcome))
          }
          // Whoever has been told to stop must not succeed any more.
          if (stopped !== undefined && status === 0) return resume(Effect.fail("ECANCELED"))
          const timer = setTimeout(() => {
            // From here on nothing can be sent; what was sent before is still read.
            shutdown(connection)
            read()
            settleDelivery("EAGAIN")
          }, deliveryLimit)
          delivering = settle
          try {
            giveText(say.deliver(status), text)
          } catch (thrown) {
            settleDelivery(errnoOf(thrown) ?? String(thrown))
          }
        })
      ),
    tell: (text) => {
      for (let at = 0; at < text.length; at += longestInPacket) quietly(say.tell(text.slice(at, at + longestInPacket)))
    },
    end: (status) => {
      if (answered) return
      answered = true
      quietly(say.exit(status))
    },
    start: (file, env, streams) => {
      const words = Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}`]))
      giveText(say.run, [file, ...words, ""].join("\0"), streams)
      return {
        kill: () => quietly(say.kill),
        ended: (settle, refused) => {
          if (gone) refused("ECANCELED")
          else child = { settle, refused }
        }
      }
    },
    stop,
    stopped: () => stopped,
    heed: read,
    close: () => {
      if (closed) return
      closed = true
      if (!gone) unwatch()
      gone = true
      closeSync(connection)
    }
  }
}

/** `delivered`, or the errno for which it was not. */
type Delivery = "delivered" | (string & {})
