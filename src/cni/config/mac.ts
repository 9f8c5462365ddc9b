/** Which MAC address a link is to have: four places can say it. */
import * as Result from "effect/Result"
import { parseMac } from "../../wire/mac.ts"
import type { CniArgs } from "../call/CniArgs.ts"
import { CniError, codes } from "../call/CniError.ts"
import { type JsonObject, struct } from "../decode/decode.ts"
import { text } from "../decode/decoders.ts"
import { show } from "../decode/show.ts"
import { macProblem } from "./macProblem.ts"
import { decodeConfig, invalidConfig } from "./NetConf.ts"

interface Candidate {
  readonly text: string
  readonly error: (problem: string) => CniError
}

const macs = struct({
  mac: text,
  runtimeConfig: struct({ mac: text }),
  args: struct({ cni: struct({ mac: text }) })
})

const configured = (text: string | undefined, ...path: ReadonlyArray<string>): Candidate | undefined =>
  text === undefined ? undefined : { text, error: (problem) => invalidConfig({ path, problem }) }

const argument = (text: string | undefined): Candidate | undefined =>
  text === undefined
    ? undefined
    : {
        text,
        error: (problem) => new CniError({ code: codes.invalidEnvironment, msg: `invalid CNI_ARGS: MAC: ${problem}` })
      }

/**
 * The first that there is, canonical: runtimeConfig.mac, args.cni.mac, CNI_ARGS, mac. CNI's conventions put `args` above
 * CNI_ARGS. The others are not looked at: a pod's own address overrides whatever the network has.
 */
export const chooseMac = (document: JsonObject, args: CniArgs): Result.Result<string | undefined, CniError> =>
  Result.flatMap(decodeConfig(macs, document), (given) => {
    const chosen =
      configured(given.runtimeConfig.mac, "runtimeConfig", "mac") ??
      configured(given.args.cni.mac, "args", "cni", "mac") ??
      argument(args.mac) ??
      configured(given.mac, "mac")
    if (chosen === undefined) {
      return Result.succeed(undefined)
    }
    const problem = macProblem(chosen.text)
    return problem === undefined
      ? Result.succeed(parseMac(chosen.text))
      : Result.fail(chosen.error(`${show(chosen.text)} ${problem}`))
  })
