/** What an effect of src/cni came to: they are all synchronous, and fail with nothing but a CniError. */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { CniError } from "../../src/cni/call/CniError.ts"

export interface Failed {
  readonly code: number
  readonly msg: string
  readonly details?: string
}

const run = <A>(effect: Effect.Effect<A, CniError>): Result.Result<A, CniError> => Effect.runSync(Effect.result(effect))

/** The value; a failure is thrown, so that the test fails with its words. */
export const value = <A>(effect: Effect.Effect<A, CniError>): A => Result.getOrThrow(run(effect))

/** The error's parts as plain data; undefined where there was none. */
export const error = (effect: Effect.Effect<unknown, CniError>): Failed | undefined => {
  const result = run(effect)
  if (Result.isSuccess(result)) return undefined
  const { code, msg, details } = result.failure
  return details === undefined ? { code, msg } : { code, msg, details }
}

/** Either of them: for "a value or one clean error, never a throw". */
export const outcome = <A>(effect: Effect.Effect<A, CniError>): A | CniError => Result.merge(run(effect))
