/** Every request to a service is counted, and the n-th can be made to fail or to be the one at which the caller is interrupted. */
import * as Effect from "effect/Effect"
import { Refusal } from "./kernel/Refusal.ts"

/** Whether the interruption comes before the request has its effect, or after, so that only its answer is lost. */
export type Moment = "before" | "after"

export interface Requests {
  count: number
  /** What was asked, in order: `netlink linkAdd`, `tap node`. */
  readonly log: Array<string>
  /** By the request's number, from 1. */
  readonly failures: Map<number, string>
  readonly interruptions: Map<number, Moment>
  hook: ((n: number, operation: string) => void) | undefined
}

export const makeRequests = (): Requests => ({
  count: 0,
  log: [],
  failures: new Map(),
  interruptions: new Map(),
  hook: undefined
})

/** One request: `act` works on the kernel and may throw a refusal, which `refused` turns into the service's error. */
export const request = <A, E>(
  requests: Requests,
  operation: string,
  act: () => A,
  refused: (refusal: Refusal) => E
): Effect.Effect<A, E> =>
  Effect.withFiber((fiber) => {
    const n = ++requests.count
    requests.log.push(operation)
    requests.hook?.(n, operation)
    const errno = requests.failures.get(n)
    if (errno !== undefined) return Effect.fail(refused(new Refusal(errno)))
    const acting = Effect.suspend(() => {
      try {
        return Effect.succeed(act())
      } catch (thrown) {
        if (thrown instanceof Refusal) return Effect.fail(refused(thrown))
        throw thrown
      }
    })
    // As a signal does: the fiber is marked, and stops here or, in an uninterruptible region, at that one's end.
    const interrupting = Effect.andThen(
      Effect.sync(() => fiber.interruptUnsafe()),
      Effect.yieldNow
    )
    switch (requests.interruptions.get(n)) {
      case "before":
        return Effect.andThen(interrupting, acting)
      case "after":
        return Effect.flatMap(Effect.exit(acting), (exit) => Effect.andThen(interrupting, exit))
      case undefined:
        return acting
    }
  })
