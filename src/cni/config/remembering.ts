/** What was read from the latest texts: the ADDs of a network's pods have the same one, as a rule, and a node few networks. */
import * as Result from "effect/Result"

/** Of one reader, a network's three commands counted apart; with one more the oldest is forgotten. */
const mostTexts = 64

/** UTF-16 units of what is remembered. Longer texts are rare, and take the memory of many. */
const longestText = 8192

/** As `read`, which must follow from its texts alone; no text but the last holds a NUL. What fails is read anew each time. */
export const remembering = <Texts extends ReadonlyArray<string>, A, E>(
  read: (...texts: Texts) => Result.Result<A, E>
): ((...texts: Texts) => Result.Result<A, E>) => {
  const known = new Map<string, Result.Result<A, E>>()
  return (...texts) => {
    const key = texts.join("\0")
    const before = known.get(key)
    if (before !== undefined) return before
    const result = read(...texts)
    if (Result.isFailure(result) || key.length > longestText) return result
    const [oldest] = known.keys()
    if (known.size === mostTexts && oldest !== undefined) known.delete(oldest)
    known.set(key, result)
    return result
  }
}
