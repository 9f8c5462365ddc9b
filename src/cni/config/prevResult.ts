/** The result of the plugin before us in a chain (ADD), or the final one (CHECK, DEL). */
import * as Effect from "effect/Effect"
import { CniError, codes } from "../call/CniError.ts"
import { decodeResultOf } from "../result/decodeResult.ts"
import type { Result } from "../result/Result.ts"
import type { NetConf } from "./NetConf.ts"

const unusable = ({ msg }: CniError): CniError =>
  new CniError({ code: codes.invalidConfig, msg: `could not parse prevResult: ${msg}` })

/** `prevResult`, undefined where there is none; it has to be of the configuration's version, which counts where it has none. */
export const readPrevResult = (conf: NetConf): Effect.Effect<Result | undefined, CniError> => {
  const { prevResult, cniVersion } = conf
  return prevResult === undefined
    ? Effect.succeed(undefined)
    : Effect.mapError(decodeResultOf(prevResult, cniVersion), unusable)
}
