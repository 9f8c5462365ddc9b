/** How much the agent takes on at once, and for how long. */
import * as Effect from "effect/Effect"
import * as Semaphore from "effect/Semaphore"
import { traced } from "../observe/span.ts"

export interface Limits {
  /** Calls that run at once. */
  readonly running: number
  /** Calls that wait for one of those to end; one more is answered with code 11. */
  readonly waiting: number
  /** Seconds for a call, waiting included, after which it is taken back and answered with code 11. */
  readonly seconds: number
}

/** Runtimes give up after 60 seconds and more; an IPAM plugin has 30, and taking back takes its time too. */
export const defaultLimits: Limits = { running: 128, waiting: 1024, seconds: 45 }

/** How often what has happened. */
export interface Counts {
  readonly running: number
  readonly waiting: number
  /** Calls that were answered, well or badly. */
  readonly answered: number
  /** Calls that were not begun: more than there is room for, or not as the conversation has it. */
  readonly refused: number
}

export interface Gate {
  readonly limits: Limits
  readonly counts: () => Counts
  /**
   * Runs the call when there is room for it; `full` where too many wait already. Only the waiting may be interrupted, and
   * what says so of itself.
   */
  readonly pass: <A, E, R>(call: Effect.Effect<A, E, R>, full: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  readonly refuse: () => void
}

const waiting = traced("wait for a place", { "wait.for": "place" })

export const makeGate = (limits: Limits): Gate => {
  const semaphore = Semaphore.makeUnsafe(limits.running)
  const counts = { running: 0, waiting: 0, answered: 0, refused: 0 }
  const refuse = (): void => void counts.refused++
  return {
    limits,
    counts: () => ({ ...counts }),
    refuse,
    pass: (call, full) =>
      Effect.suspend(() => {
        if (counts.running + counts.waiting >= limits.running + limits.waiting) {
          refuse()
          return full
        }
        counts.waiting++
        let runs = false
        const inTurn = Effect.flatMap(Effect.interruptible(waiting(semaphore.take(1))), () => {
          counts.waiting--
          counts.running++
          runs = true
          return call
        })
        return Effect.onExit(inTurn, () => {
          if (!runs) {
            counts.waiting--
            return Effect.void
          }
          counts.running--
          counts.answered++
          return semaphore.release(1)
        })
      }).pipe(Effect.uninterruptible)
  }
}
