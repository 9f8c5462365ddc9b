/** Which names are allowed, as the Go library's pkg/utils has it; the network name's twin is the container ID's. */

/** unicode.IsSpace. JavaScript's `\s` has U+FEFF too and lacks U+0085. */
const space = /[\t\n\v\f\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/

/** For container IDs and network names. No `$` before a newline in JavaScript: the whole text is matched. */
export const isIdentifier = (text: string): boolean => /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(text)

/** Length in UTF-8 bytes, which is what the kernel's limits count. */
export const byteLength = (text: string): number => new TextEncoder().encode(text).length

/** IFNAMSIZ without the NUL at its end. */
export const longestLinkName = 15

export interface NameProblem {
  readonly msg: string
  readonly details?: string
}

/** What is wrong with a link's name, in the Go library's words; the empty name is for the caller to judge. */
export const linkNameProblem = (name: string): NameProblem | undefined => {
  if (byteLength(name) > longestLinkName) {
    return { msg: "interface name is too long", details: "interface name should be less than 16 characters" }
  }
  if (name === "." || name === "..") {
    return { msg: "interface name is . or .." }
  }
  return /[/:]/.test(name) || space.test(name)
    ? { msg: "interface name contains / or : or whitespace characters" }
    : undefined
}
