/** Whoever made the call: takes its answer, and words for people. */
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import type * as Effect from "effect/Effect"

/** The answer reached nobody. `reason` is the errno's symbol, or words: `EPIPE`, `it is closed`. */
export class AnswerLost extends Data.TaggedError("AnswerLost")<{ readonly reason: string }> {}

export class CallerService extends Context.Service<
  CallerService,
  {
    /**
     * Hands over the whole answer (a process's stdout), the last thing of a call that ends with `status`. Where that fails
     * the call has failed: what ADD made is taken back.
     */
    readonly answer: (text: string, status: 0 | 1) => Effect.Effect<void, AnswerLost>
    /** Says that all is done, where there is no answer to hand over: the caller need not wait for what is closed after that. */
    readonly done?: Effect.Effect<void>
    /** Says something to people (a process's stderr); best effort. */
    readonly tell: (text: string) => Effect.Effect<void>
    /** Looks now whether the caller wants the call stopped, which interrupts it. Where left out the event loop's next turn tells. */
    readonly heed?: Effect.Effect<void>
    /** In words why the call was interrupted, where it was no signal. */
    readonly whyStopped?: () => string | undefined
  }
>()("macvtap-cni/services/CallerService") {}
