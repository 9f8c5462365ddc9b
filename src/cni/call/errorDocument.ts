/** The error object of a plugin that we called, so that it can go up unchanged. */
import * as R from "effect/Result"
import { isObject, struct } from "../decode/decode.ts"
import { integer, orElse, text } from "../decode/decoders.ts"
import { parseJson } from "../decode/json.ts"
import { CniError, codes } from "./CniError.ts"

const fields = struct({ code: orElse(integer(0, 0xffffffff), codes.internal), msg: text, details: text })

/** The error on a delegate's stdout; undefined where there is none, or none that says anything. */
export const parseErrorDocument = (stdout: string): CniError | undefined => {
  const document = R.getOrUndefined(parseJson(stdout))
  const given = isObject(document) ? R.getOrUndefined(fields(document)) : undefined
  return given?.msg === undefined ? undefined : new CniError({ ...given, msg: given.msg })
}
