/** Text to JSON value, with the limits and words of this plugin. The parser is the engine's own. */
import * as Result from "effect/Result"
import { jsonFault } from "./jsonFault.ts"

/** UTF-16 units, which are at most as many as bytes. A cluster's configurations have some hundred. */
export const largestDocument = 16 * 1024 * 1024

/** The value, or what is wrong with the text. Never throws. */
export const parseJson = (text: string): Result.Result<unknown, string> => {
  if (text.length > largestDocument) {
    return Result.fail(`longer than ${largestDocument} characters`)
  }
  try {
    return Result.succeed(JSON.parse(text))
  } catch {
    return Result.fail(jsonFault(text))
  }
}
