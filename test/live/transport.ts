/** A socket whose every word is written in the test, and the messages of a kernel that is not there. */
import type { Event } from "../../src/live/netlink/conversation.ts"
import type { Datagram, Transport } from "../../src/live/netlink/Transport.ts"
import { SystemError } from "../../src/live/system/errno.ts"
import { NLM_F_MULTI, NLMSG_DONE, NLMSG_ERROR, NLMSG_OVERRUN, RTM_NEWLINK } from "../../src/netlink/constants.ts"
import { encodeLink } from "../../src/netlink/link.ts"
import { decode, encode, type Message } from "../../src/netlink/message.ts"
import { concat, cstring, s32, u32 } from "../../src/wire/bytes.ts"

/** What the socket does next: a datagram made for the request's sequence number, or an errno. */
export type Step = string | ((sequence: number) => Partial<Datagram> & { readonly bytes: Uint8Array })

export interface Script {
  readonly transport: Transport
  readonly sent: Array<Message>
  /** For each receive whether it was willing to wait. */
  readonly waited: Array<boolean>
  readonly events: Array<Event>
}

/** Plays the steps in order; then nothing more comes (EAGAIN). Each look at the clock is `tick` ms later. */
export const script = (
  steps: ReadonlyArray<Step>,
  options: { readonly tick?: number; readonly send?: Array<string> } = {}
): Script => {
  const sent: Array<Message> = []
  const waited: Array<boolean> = []
  const queue = [...steps]
  const refusals = [...(options.send ?? [])]
  let time = 0
  return {
    sent,
    waited,
    events: [],
    transport: {
      timeLimit: 5000,
      now: () => (time += options.tick ?? 0),
      send: (bytes) => {
        const refusal = refusals.shift()
        if (refusal !== undefined) throw new SystemError("send", refusal)
        sent.push(...decode(bytes))
      },
      receive: (wait) => {
        waited.push(wait)
        const step = queue.shift() ?? "EAGAIN"
        if (typeof step === "string") throw new SystemError("recvfrom", step)
        const datagram = step(sent.at(-1)?.sequence ?? 0)
        return { size: datagram.bytes.length, sender: 0, ...datagram }
      }
    }
  }
}

const message = (type: number, sequence: number, body: Uint8Array, flags = 0): Uint8Array =>
  encode({ type, flags, body }, sequence, 77)

/** RTM_NEWLINK of a link that has an index and a name. */
export const link = (sequence: number, index: number, name: string, flags = 0): Uint8Array =>
  message(RTM_NEWLINK, sequence, encodeLink(index, [{ type: 3, payload: cstring(name) }]), flags)

/** NLMSG_ERROR with a positive errno; 0 acknowledges. */
export const verdict = (sequence: number, errno: number): Uint8Array =>
  message(NLMSG_ERROR, sequence, concat([s32(-errno), new Uint8Array(16)]))

export const done = (sequence: number, flags = 0, errno = 0): Uint8Array =>
  message(NLMSG_DONE, sequence, s32(-errno), NLM_F_MULTI | flags)

export const overrun = (sequence: number): Uint8Array => message(NLMSG_OVERRUN, sequence, u32(0))
