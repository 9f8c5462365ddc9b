/** Which version an error object has when the configuration has not been read to its end. */
import * as Result from "effect/Result"
import { isObject, member } from "../decode/decode.ts"
import { parseJson } from "../decode/json.ts"
import { isSupported, newestVersion } from "./version.ts"

/** The configuration's, where that can be told and is one of ours; else the newest. */
export const answerVersion = (stdin: string): string => {
  const document = Result.getOrUndefined(parseJson(stdin))
  if (!isObject(document)) return newestVersion
  const version = member(document, "cniVersion") ?? ""
  if (version === "") return "0.1.0"
  return typeof version === "string" && isSupported(version) ? version : newestVersion
}
