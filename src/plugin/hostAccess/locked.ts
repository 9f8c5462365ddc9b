/** One call at a time makes, looks at and takes away what is on the host: else the last one's link goes as another is given a route. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { NetnsService } from "../../services/NetnsService.ts"
import type { Place } from "../link/place.ts"
import { lockRefused } from "./refuse.ts"

/** Runs the step while this call has the host's namespace for itself. */
export const locked = <A, E, R>(host: Place, step: Effect.Effect<A, E, R>) =>
  Effect.scoped(
    Effect.gen(function* () {
      const netns = yield* NetnsService
      yield* netns.lock(host.netns).pipe(Effect.mapError(({ errno }) => lockRefused(errno)))
      return yield* step as Effect.Effect<A, E, Exclude<R, Scope.Scope>>
    })
  )
