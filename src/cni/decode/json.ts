/** Text to JSON value, with the limits and words of this plugin. The parser is the engine's own. */
import * as Result from "effect/Result"
import { type JsonFault, jsonFault } from "./jsonFault.ts"

/** UTF-16 units, which are at most as many as bytes. A cluster's configurations have some hundred. */
export const largestDocument = 16 * 1024 * 1024

/** In one line, for messages without room for more. */
export const describeJsonFault = ({ problem, where }: JsonFault): string =>
  where === undefined ? problem : `${problem} (${where})`

/** The value, or what is wrong with the text. Never throws. */
export const parseJson = (text: string): Result.Result<unknown, JsonFault> => {
  if (text.length > largestDocument) {
    return Result.fail({ problem: `longer than ${largestDocument} characters` })
  }
  try {
    return Result.succeed(JSON.parse(text))
  } catch {
    return Result.fail(jsonFault(text))
  }
}
