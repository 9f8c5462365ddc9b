/**
 * The node's policy: which masters, modes and rights networks may ask for. A list of rules, each an allowance; a network
 * is allowed what one rule that applies to its pod's namespace allows all of. Pure: text in, data out.
 */
import * as Result from "effect/Result"
import { kinds } from "../../link/kinds.ts"
import { parseBounded } from "../../wire/boundedJson.ts"
import { quote } from "../../wire/foreign.ts"
import { type Decoder, describeFault, fault, isObject, list, struct } from "../decode/decode.ts"
import { checked, flag, integer, optional, orElse, required, text } from "../decode/decoders.ts"

export interface Rule {
  /** For messages: `rule "storage"`, or `rule 2`. */
  readonly called: string
  /** Patterns of Kubernetes namespaces; absent: it applies to all calls, to those without a namespace too. */
  readonly namespaces?: ReadonlyArray<string>
  /** Names and patterns of the host's links. */
  readonly masters: ReadonlyArray<string>
  readonly modes: ReadonlyArray<string>
  readonly kinds: ReadonlyArray<string>
  /** Patterns of device IDs and of names of links to import. */
  readonly deviceID: ReadonlyArray<string>
  readonly promiscMode: boolean
  /** User and group ids that a network may name for the tap node; one that names none gets the plugin's default. */
  readonly owner: ReadonlyArray<number>
  readonly group: ReadonlyArray<number>
}

export interface Policy {
  readonly rules: ReadonlyArray<Rule>
}

/** Bytes of the file, and what may be in them. */
export const longestPolicy = 256 * 1024
const bounds = { parts: 20_000, depth: 8 }

/** The policy, or in words what is wrong with the text, to be put behind the file's path. Never throws. */
export const decodePolicy = (content: string): Result.Result<Policy, string> =>
  parseBounded(content, bounds).pipe(
    Result.flatMap((document) => Result.mapError(policy(document), (cause) => `is wrong: ${describeFault(cause)}`))
  )

/** What a rule allows beside its masters and devices where it says nothing: what a plain network asks for. */
const plainModes = ["bridge", "private", "vepa"]

/** A misspelt key would allow, or refuse, what nobody meant. */
const closed =
  <A>(keys: ReadonlyArray<string>, decoder: Decoder<A>): Decoder<A> =>
  (value) => {
    if (!isObject(value)) return fault("expected an object")
    const unknown = Object.keys(value).find((key) => !keys.includes(key))
    return unknown === undefined ? decoder(value) : fault(`unknown key ${quote(unknown)}; keys are ${keys.join(", ")}`)
  }

const closedStruct = <const F extends Readonly<Record<string, Decoder<unknown>>>>(fields: F) =>
  closed(Object.keys(fields), struct(fields))

const oneOf = (names: ReadonlyArray<string>) =>
  optional(
    list(required(checked(text, (name) => (names.includes(name) ? undefined : `expected one of ${names.join(", ")}`))))
  )

const patterns = optional(list(required(text)))
const ids = orElse(optional(list(required(integer(0, 4294967294)))), [])
const kindNames = kinds.map(({ kind }) => kind)
const modeNames = [...new Set(kinds.flatMap(({ attributes }) => attributes["mode"]?.codec.values ?? []))].map(String)

const ruleFields = closedStruct({
  name: text,
  namespaces: patterns,
  masters: orElse(patterns, []),
  modes: orElse(oneOf(modeNames), plainModes),
  kinds: orElse(oneOf(kindNames), kindNames),
  deviceID: orElse(patterns, []),
  promiscMode: orElse(flag, false),
  owner: ids,
  group: ids
})

/** One that names neither would allow nothing, and is more likely a mistake. */
const rule: Decoder<Omit<Rule, "called"> & { readonly name?: string }> = (value) =>
  Result.flatMap(ruleFields(value), (given) =>
    given.masters.length + given.deviceID.length === 0
      ? fault(`it names neither "masters" nor "deviceID", and so allows nothing`)
      : Result.succeed(given)
  )

const document = closedStruct({
  version: required(checked(integer(0, 1_000_000), (version) => (version === 1 ? undefined : "expected 1"))),
  rules: required(optional(list(rule)))
})

const policy: Decoder<Policy> = (value) =>
  Result.map(document(value), ({ rules }) => ({
    rules: rules.map(({ name, ...rest }, index) => ({
      ...rest,
      called: name === undefined ? `rule ${index + 1}` : `rule ${quote(name)}`
    }))
  }))
