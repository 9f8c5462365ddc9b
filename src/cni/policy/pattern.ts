/** Patterns of names: `*` is any text, `?` any one character; everything else is itself, upper and lower case told apart. */

export const isPattern = (text: string): boolean => /[*?]/.test(text)

/** Whether the whole of `text` is as the pattern says. Takes time proportional to the two lengths' product, whatever they are. */
export const matches = (pattern: string, text: string): boolean => {
  const [wanted, given] = [[...pattern], [...text]]
  let at = 0
  /** Where the last `*` is, and how much of the text it stands for by now. */
  let star = -1
  let taken = 0
  for (let read = 0; read < given.length; ) {
    if (wanted[at] === "*") {
      star = at++
      taken = read
    } else if (at < wanted.length && (wanted[at] === "?" || wanted[at] === given[read])) {
      at++
      read++
    } else if (star >= 0) {
      at = star + 1
      read = ++taken
    } else return false
  }
  while (wanted[at] === "*") at++
  return at === wanted.length
}
