import * as Effect from "effect/Effect"
import { Refusal } from "./kernel/Refusal.ts"

/** One request: `act` works on the kernel and may throw a refusal, which `refused` turns into the service's error. */
export const attempt = <A, E>(act: () => A, refused: (refusal: Refusal) => E): Effect.Effect<A, E> =>
  Effect.suspend(() => {
    try {
      return Effect.succeed(act())
    } catch (thrown) {
      if (thrown instanceof Refusal) return Effect.fail(refused(thrown))
      throw thrown
    }
  })
