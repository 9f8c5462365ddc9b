/**
 * What the Go library checks before it calls a plugin, in its order and with its codes and texts: the JSON, the
 * network's name, the command, the version.
 */
import * as Result from "effect/Result"
import { quote, shorten } from "../../wire/foreign.ts"
import { CniError, codes } from "../call/CniError.ts"
import type { Command, ConfiguredCommand } from "../call/Environment.ts"
import { versionProblem } from "../call/versionProblem.ts"
import { describeFault, isObject, type JsonObject, struct } from "../decode/decode.ts"
import { text } from "../decode/decoders.ts"
import { parseJson } from "../decode/json.ts"
import type { JsonFault } from "../decode/jsonFault.ts"
import { show } from "../decode/show.ts"
import { isIdentifier } from "../identity/names.ts"

export interface Header {
  readonly name: string
  readonly command: ConfiguredCommand
  readonly cniVersion: string
}

const undecodable = (what: string, problem: string, details?: string): CniError =>
  new CniError({
    code: codes.decodingFailure,
    msg: `${what}: ${problem}`,
    ...(details === undefined ? {} : { details })
  })

/** The configuration's text as JSON; `null` is as good as `{}`. */
export const readDocument = (stdin: string): Result.Result<JsonObject, CniError> =>
  parseJson(stdin).pipe(
    Result.flatMap((value) =>
      value === null || isObject(value)
        ? Result.succeed(value ?? {})
        : Result.fail<JsonFault>({ problem: `expected an object, got ${show(value)}` })
    ),
    Result.mapError(({ problem, where }) => undecodable("error unmarshall network config", problem, where))
  )

const nameIn = struct({ name: text })
const versionIn = struct({ cniVersion: text })

const readName = (document: JsonObject): Result.Result<string, CniError> =>
  nameIn(document).pipe(
    Result.mapError((cause) => undecodable("error unmarshall network config", describeFault(cause))),
    Result.flatMap(({ name }) =>
      name === undefined
        ? Result.fail(new CniError({ code: codes.invalidConfig, msg: "missing network name" }))
        : isIdentifier(name)
          ? Result.succeed(name)
          : Result.fail(
              new CniError({
                code: codes.invalidConfig,
                msg: "invalid characters found in network name",
                details: shorten(name, 200)
              })
            )
    )
  )

const readCommand = (command: Command): Result.Result<ConfiguredCommand, CniError> =>
  typeof command === "string" && command !== "VERSION"
    ? Result.succeed(command)
    : Result.fail(
        new CniError({
          code: codes.invalidEnvironment,
          msg: `unknown CNI_COMMAND: ${typeof command === "string" ? command : quote(shorten(command.unknown, 80)).slice(1, -1)}`
        })
      )

const readVersion = (document: JsonObject, command: ConfiguredCommand): Result.Result<string, CniError> =>
  versionIn(document).pipe(
    Result.mapError((cause) => undecodable("decoding version from network config", describeFault(cause))),
    Result.map(({ cniVersion }) => cniVersion ?? "0.1.0"),
    Result.flatMap((version) => {
      const problem = versionProblem(command, version)
      return problem ? Result.fail(problem) : Result.succeed(version)
    })
  )

/** The checked beginning of a configuration. */
export const readHeader = (command: Command, document: JsonObject): Result.Result<Header, CniError> =>
  Result.gen(function* () {
    const name = yield* readName(document)
    const known = yield* readCommand(command)
    const cniVersion = yield* readVersion(document, known)
    return { name, command: known, cniVersion }
  })
