/** DEL and GC go on whatever fails: errors are values until all is done, and one error at the end. */
import * as Effect from "effect/Effect"
import { CniError } from "../../cni/call/CniError.ts"
import { type ServiceError, toCniError } from "../errors.ts"

/** The step's errors, none or one: a step that fails keeps no other from being taken. */
export const errorsOf = <A, R>(step: Effect.Effect<A, CniError | ServiceError, R>) =>
  step.pipe(
    Effect.as([] as ReadonlyArray<CniError>),
    Effect.catch((error) => Effect.succeed([toCniError(error)]))
  )

/** One error for all that went wrong: the first one's code, everyone's words. */
export const gathered = (errors: ReadonlyArray<CniError>): Effect.Effect<void, CniError> => {
  const [first, ...others] = errors
  if (first === undefined) return Effect.void
  return Effect.fail(
    others.length === 0
      ? first
      : new CniError({
          code: first.code,
          msg: errors.map((error) => error.msg).join("; "),
          details: errors.flatMap((error) => (error.details === undefined ? [] : [error.details])).join("; ")
        })
  )
}
