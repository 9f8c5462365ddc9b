/** JSON of others, with a bound on what it may become: 4 MiB of `[],[],` would be 200 MiB of arrays. */
import * as Result from "effect/Result"

export type JsonObject = Readonly<Record<string, unknown>>

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value)

export interface JsonBounds {
  /** How many objects, arrays, keys and values there may be, all together. */
  readonly parts: number
  /** How deep they may be nested. */
  readonly depth: number
}

/** The value of the text, or in words what is wrong with it, to be put behind the file's name. Never throws. */
export const parseBounded = (text: string, bounds: JsonBounds): Result.Result<unknown, string> => {
  const problem = text.trim() === "" ? "is empty" : jsonExcess(text, bounds)
  if (problem !== undefined) return Result.fail(problem)
  try {
    return Result.succeed(JSON.parse(text))
  } catch {
    return Result.fail("is not JSON")
  }
}

const quote = 0x22
const backslash = 0x5c
const comma = 0x2c
const colon = 0x3a

/** What is too much in the text, seen by its punctuation outside of strings, before anything is made of it. */
export const jsonExcess = (text: string, { parts, depth }: JsonBounds): string | undefined => {
  let count = 0
  let level = 0
  let inString = false
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (inString) {
      if (code === backslash) at++
      else if (code === quote) inString = false
    } else if (code === quote) inString = true
    else if (code === comma || code === colon) count++
    // `[` and `{`, `]` and `}`: they differ in one bit.
    else if ((code | 0x20) === 0x7b) {
      count++
      if (++level > depth) return `is nested more than ${depth} deep`
    } else if ((code | 0x20) === 0x7d) level--
    if (count > parts) return `has more than ${parts} keys and values`
  }
  return undefined
}
