/** Random sequences that a seed repeats, and the search for a short one that still fails. */
import * as Effect from "effect/Effect"

export interface Random {
  /** One of the values, each as likely as the others. */
  readonly pick: <const A>(values: ReadonlyArray<A>) => A
  /** One of the values, or, as often as not, nothing. */
  readonly maybe: <const A>(values: ReadonlyArray<A>) => A | undefined
  /** A whole number below the limit. */
  readonly below: (limit: number) => number
}

/** Mulberry32, seeded with the text's FNV-1a hash. */
export const makeRandom = (seed: string): Random => {
  let state = 0x811c9dc5
  for (const byte of Buffer.from(seed)) state = Math.imul(state ^ byte, 0x01000193)
  const below = (limit: number): number => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit)
  }
  const pick = <const A>(values: ReadonlyArray<A>): A => values[below(values.length)] as A
  return { below, pick, maybe: (values) => (below(2) === 0 ? undefined : pick(values)) }
}

/** Leaves out parts, the longest first, for as long as what is left still fails; tries at most `attempts` times. */
export const shortest = <A, R>(
  items: ReadonlyArray<A>,
  fails: (items: ReadonlyArray<A>) => Effect.Effect<boolean, never, R>,
  attempts: number
): Effect.Effect<ReadonlyArray<A>, never, R> =>
  Effect.gen(function* () {
    let best = items
    let left = attempts
    for (let size = Math.ceil(best.length / 2); size >= 1; size = Math.floor(size / 2)) {
      for (let start = 0; start < best.length && left > 0; left--) {
        const shorter = best.toSpliced(start, size)
        if (shorter.length > 0 && (yield* fails(shorter))) best = shorter
        else start += size
      }
    }
    return best
  })
