/** Text to JSON value, with the limits and words of this plugin. The parser is the engine's own. */
import * as Result from "effect/Result"
import { type JsonBounds, jsonExcess } from "../../wire/boundedJson.ts"
import { type JsonFault, jsonFault } from "./jsonFault.ts"

/**
 * UTF-16 units, which are at most as many as bytes: 1 MiB. A cluster's configurations have some hundred; the largest is a
 * GC's, of which 5,000 attachments find place.
 */
export const largestDocument = 1024 * 1024

/** 1 MiB of `[],[],` would be 55 MiB of arrays. How deep it is the engine says, in words that name the place. */
const bounds: JsonBounds = { parts: 100_000, depth: Number.POSITIVE_INFINITY }

/** In one line, for messages without room for more. */
export const describeJsonFault = ({ problem, where }: JsonFault): string =>
  where === undefined ? problem : `${problem} (${where})`

/** The value, or what is wrong with the text. Never throws. */
export const parseJson = (text: string): Result.Result<unknown, JsonFault> => {
  if (text.length > largestDocument) {
    return Result.fail({ problem: `longer than ${largestDocument} characters` })
  }
  const excess = jsonExcess(text, bounds)
  if (excess !== undefined) return Result.fail({ problem: excess })
  try {
    return Result.succeed(JSON.parse(text))
  } catch {
    return Result.fail(jsonFault(text))
  }
}
