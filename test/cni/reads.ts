/** Everything that a call reads of its input, done with any environment and any stdin. */
import * as Effect from "effect/Effect"
import { readCniArgs } from "../../src/cni/call/CniArgs.ts"
import { CniError, errorDocument } from "../../src/cni/call/CniError.ts"
import { type Command, configuredCommands, readEnvironment } from "../../src/cni/call/Environment.ts"
import { parseErrorDocument } from "../../src/cni/call/errorDocument.ts"
import { supportedVersions } from "../../src/cni/call/version.ts"
import { readLinkConf } from "../../src/cni/config/LinkConf.ts"
import { readNetConf } from "../../src/cni/config/NetConf.ts"
import { readPrevResult } from "../../src/cni/config/prevResult.ts"
import { parseResult } from "../../src/cni/result/decodeResult.ts"
import { encodeResult } from "../../src/cni/result/encodeResult.ts"
import { outcome } from "./outcome.ts"

export type Env = Readonly<Record<string, string | undefined>>

/** As ADD reads it: all of it, and its previous result written again. */
const readAll = Effect.fnUntraced(function* (command: Command, env: Env, stdin: string) {
  const conf = yield* readNetConf("macvtap", command, stdin)
  const args = yield* readCniArgs(env["CNI_ARGS"] ?? "")
  const link = yield* readLinkConf(conf, args)
  const previous = yield* readPrevResult(conf)
  return [link, previous && encodeResult(previous, conf.cniVersion)]
})

const commands: ReadonlyArray<Command> = [...configuredCommands, "VERSION", { unknown: "NOPE" }]

/** What each of the readers says; an exception is a defect, and comes through. */
export const reads = (env: Env, stdin: string): ReadonlyArray<unknown> => [
  outcome(readEnvironment(env)),
  ...commands.flatMap((command) => [
    outcome(readNetConf("macvlan", command, stdin)),
    outcome(readAll(command, env, stdin))
  ]),
  ...supportedVersions.map((version) => outcome(parseResult(stdin, version))),
  parseErrorDocument(stdin)
]

/** What is wrong with an error as an answer; undefined where nothing is. */
export const errorProblem = (value: unknown): string | undefined => {
  if (!(value instanceof CniError)) return undefined
  const { code, msg, details = "" } = value
  const document = JSON.parse(errorDocument(value, "1.1.0"))
  if (document.msg !== msg || document.code !== code) return "it does not survive JSON"
  if (!Number.isInteger(code) || code < 1) return `its code is ${code}`
  if (msg.trim() === "") return "it says nothing"
  if (msg.length + details.length > 1200) return `it is ${msg.length + details.length} characters long`
  return /\n\s+at |undefined|\[object|\p{Cc}/u.test(msg) ? `it says ${JSON.stringify(msg)}` : undefined
}
