/** What is open for as long as a scope lasts. */
import * as Effect from "effect/Effect"
import * as Scope from "effect/Scope"
import { attempt } from "./attempt.ts"

/**
 * What a step of synchronous system calls opens, until the scope ends; `close` is synchronous too, and does not throw. As
 * `Effect.acquireRelease`, which takes a fiber four times as many steps, and a call opens four such things.
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
