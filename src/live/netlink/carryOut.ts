/** From which thread a request is sent, and when its sender goes on. A socket has one conversation at a time. */
import * as Effect from "effect/Effect"
import { NLM_F_ECHO } from "../../netlink/constants.ts"
import { encode, type Request } from "../../netlink/message.ts"
import { traced } from "../../observe/span.ts"
import { errnoOf } from "../system/errno.ts"
import { type Answer, converse, type Event, hear } from "./conversation.ts"
import type { Transport } from "./Transport.ts"

/** Has the request carried out, from the moment that it is called. */
export type CarryOut = (request: Request, trace: (event: Event) => void) => Effect.Effect<Answer>

export interface Carriers {
  /**
   * By this thread, which waits for the kernel: half a millisecond to make a link, where nobody has rtnl. To have it made
   * by another thread takes longer in a burst, too, and others need rtnl for whatever they do next.
   */
  readonly here: CarryOut
  /** What the kernel takes its time for (a move: an RCU grace period), from another thread where others wait for this one. */
  readonly waiting: CarryOut
  /** A link is deleted: done when it is gone for everybody, and not only when the kernel is done with it. */
  readonly deleting: CarryOut
}

/** A process that has but one call has but one thread for it: then all three are `here`. */
export const makeCarriers = (transport: Transport): Carriers => {
  let sequence = 0
  const here: CarryOut = (request, trace) => Effect.succeed(converse(transport, request, () => ++sequence, trace))
  const { shared } = transport
  if (shared === undefined) return { here, waiting: here, deleting: here }

  /** What it is refused with, if it is; a signal (EINTR) is no refusal. */
  const sendElsewhere = (bytes: Uint8Array): Promise<unknown> =>
    shared.send(bytes).then(
      () => undefined,
      (thrown: unknown) => (errnoOf(thrown) === "EINTR" ? sendElsewhere(bytes) : thrown)
    )
  /** The answer to what was sent, which is there by now. */
  const read = (thrown: unknown, request: Request, number: number, trace: (event: Event) => void): Answer => {
    const send = (): void => {
      if (thrown !== undefined) throw thrown
    }
    return converse({ ...transport, send }, request, () => number, trace)
  }
  const elsewhere: CarryOut = (request, trace) => {
    const number = ++sequence
    const sent = Effect.uninterruptible(Effect.promise(() => sendElsewhere(encode(request, number, 0))))
    return Effect.map(sent, (thrown) => read(thrown, request, number, trace))
  }
  /**
   * The notice of a deletion (NLM_F_ECHO, Linux 6.1) comes when name, ifindex, address and tap node are free again: after
   * half a millisecond, in which the kernel hurries its RCU grace periods. Then it waits for one more, 15 ms and longer,
   * with nobody's lock; an older one says nothing before that.
   */
  const deleting: CarryOut = (request, trace) =>
    Effect.uninterruptible(
      Effect.callback<Answer>((resume) => {
        const number = ++sequence
        let over = false
        /** A fault is this request's alone: not the poller's, and not nobody's. */
        const end = (step: () => Answer | undefined): void => {
          if (over) return
          let outcome: Effect.Effect<Answer>
          try {
            const answer = step()
            if (answer === undefined) return
            outcome = Effect.succeed(answer)
          } catch (fault) {
            outcome = Effect.die(fault)
          }
          over = true
          unwatch()
          resume(outcome)
        }
        const unwatch = shared.watch(() => end(() => hear(transport, request, number, trace)))
        const bytes = encode({ ...request, flags: request.flags | NLM_F_ECHO }, number, 0)
        void sendElsewhere(bytes).then((thrown) => end(() => read(thrown, request, number, trace)))
      })
    )
  const forGracePeriod = traced("wait for the kernel's grace period", { "wait.for": "grace period" })
  return {
    here,
    waiting: (request, trace) => forGracePeriod(elsewhere(request, trace)),
    deleting: (request, trace) => forGracePeriod(deleting(request, trace))
  }
}
