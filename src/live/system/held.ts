/** What is open for as long as a scope lasts. */
import * as Effect from "effect/Effect"
import * as Scope from "effect/Scope"
import { attempt } from "./attempt.ts"

/**
 * What a step of synchronous system calls opens, until the scope ends; `close` is synchronous too, and does not throw. As
 * `Effect.acquireRelease`, in fewer steps of the fiber: with that a CHECK of the agent's, which opens three such things, takes
 * a twentieth longer.
 */
export const held = <A, E>(
  open: () => A,
  refusal: (errno: string) => E,
  close: (opened: A) => void
): Effect.Effect<A, E, Scope.Scope> =>
  Effect.uninterruptible(
    Effect.flatMap(Scope.Scope, (scope) =>
      Effect.flatMap(attempt(open, refusal), (opened) =>
        Effect.as(
          Scope.addFinalizer(
            scope,
            Effect.sync(() => close(opened))
          ),
          opened
        )
      )
    )
  )
