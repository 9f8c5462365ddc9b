/** A service whose every operation has something around it. */
import * as Effect from "effect/Effect"

export type Around = (
  effect: Effect.Effect<unknown, unknown, unknown>,
  operation: string,
  args: ReadonlyArray<unknown>
) => Effect.Effect<unknown, unknown, unknown>

/**
 * The service with `around` about each of its effects, be they members or answers of member functions. `around` has to
 * keep what an effect succeeds with and needs; the errors that it adds have to be the service's.
 */
export const aroundEach = <Service extends object>(service: Service, around: Around): Service => {
  const wrap = (member: unknown, operation: string, args: ReadonlyArray<unknown>): unknown =>
    Effect.isEffect(member)
      ? around(member as Effect.Effect<unknown, unknown, unknown>, operation, args)
      : typeof member === "function"
        ? (...given: ReadonlyArray<unknown>) => wrap(member(...given), operation, given)
        : member
  return Object.fromEntries(
    Object.entries(service).map(([operation, member]) => [operation, wrap(member, operation, [])])
  ) as Service
}
