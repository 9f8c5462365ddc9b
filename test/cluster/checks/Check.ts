/** What `test` is made of: a claim, how it is proved, and what was seen. */

export interface Check {
  readonly name: string
  /** The claim, in a sentence. */
  readonly claim: string
  /** Proves it, and says what was seen in a few words with figures; throws what is not so, or `CannotProve`. */
  readonly prove: () => Promise<string>
  /**
   * How long what it made may take to be gone, seconds: 45 when left out. `later`: it is looked for at the end of the run,
   * where the kubelet's own clearing takes minutes.
   */
  readonly settles?: number | "later"
  /** Why Multus may have left something of its own, in words, where something happened to it; asked after the proof. */
  readonly multusMayLeave?: () => string | undefined
  /** Whether it belongs to the short form too: the most telling ones. */
  readonly short?: true
}

/** This machine or this tree lacks what a proof takes: the check counts as skipped, with this reason. */
export class CannotProve extends Error {}

/** Throws unless `isTrue`. */
export function assert(isTrue: boolean, what: string): asserts isTrue {
  if (!isTrue) throw new Error(what)
}

/** Throws, showing both, unless they are the same as JSON. */
export const assertSame = (what: string, seen: unknown, wanted: unknown): void =>
  assert(
    JSON.stringify(seen) === JSON.stringify(wanted),
    `${what}: ${JSON.stringify(seen)} and not ${JSON.stringify(wanted)}`
  )

/** Throws, showing the text, unless it holds all the words. */
export const assertSays = (what: string, text: string, ...words: ReadonlyArray<string>): void => {
  const lacking = words.filter((word) => !text.includes(word))
  assert(lacking.length === 0, `${what} lacks ${JSON.stringify(lacking)}: ${text}`)
}

/** `1.2 s` since `began`, milliseconds of `Date.now()`. */
export const since = (began: number): string => `${((Date.now() - began) / 1000).toFixed(1)} s`
