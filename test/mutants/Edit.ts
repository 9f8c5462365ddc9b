/** A change for the worse, and the tests that have to notice it. */

export interface Edit {
  /** Below src. */
  readonly file: string
  /** A text that the file has once. */
  readonly find: string
  readonly replace: string
  /** Test files below test; any of them may notice. */
  readonly tests: ReadonlyArray<string>
  /** Why no test can notice, where none can. */
  readonly argued?: string
}

/** The edits of one file, each a text and what takes its place, noticed by the same tests. */
export const edits = (
  file: string,
  tests: ReadonlyArray<string>,
  changes: ReadonlyArray<readonly [find: string, replace: string, argued?: string]>
): ReadonlyArray<Edit> =>
  changes.map(([find, replace, argued]) => ({
    file,
    tests,
    find,
    replace,
    ...(argued === undefined ? {} : { argued })
  }))

/** The file's text with the change; throws where it has the text not at all, or more than once. */
export const applied = ({ file, find, replace }: Edit, text: string): string => {
  const times = text.split(find).length - 1
  if (times !== 1) throw new Error(`src/${file} has the text ${times === 0 ? "nowhere" : `${times} times`}: ${find}`)
  return text.replace(find, () => replace)
}

/** An edit in a line. */
export const inWords = ({ file, find, replace }: Edit): string => {
  const short = (text: string) => JSON.stringify(text.length > 70 ? `${text.slice(0, 67)}...` : text)
  return `src/${file}: ${short(find)} becomes ${short(replace)}`
}
