/** System calls as effects: what the kernel refuses becomes a value, what is a bug stays a defect. */
import * as Effect from "effect/Effect"
import { errnoOf } from "./errno.ts"

/**
 * Runs a step of synchronous system calls. Nothing interrupts it and nothing else runs meanwhile, which is what makes it
 * safe to be in another namespace within it.
 */
export const attempt = <A, E>(step: () => A, refusal: (errno: string) => E): Effect.Effect<A, E> =>
  Effect.suspend(() => {
    try {
      return Effect.succeed(step())
    } catch (thrown) {
      const errno = errnoOf(thrown)
      return errno === undefined ? Effect.die(thrown) : Effect.fail(refusal(errno))
    }
  })
