/** Reading the configuration: a JSON array of resources, with the position of everything that is wrong in it. */
import * as Result from "effect/Result"
import { type Node, type ParseError, parseTree, printParseErrorCode } from "jsonc-parser"
import { formatDeviceID, indexBlock } from "../../devices/deviceID.ts"
import { type Config, ConfigError, type ResourceConfig } from "./Config.ts"
import {
  defaultCapacity,
  type Key,
  keys,
  type Rule,
  readCapacity,
  readLowerDevice,
  readMode,
  readName,
  readStandalone
} from "./configRules.ts"

/** Characters of a device ID, by the kubelet's rule. */
const longestDeviceID = 63

/** Go's decoder, for which existing configurations were written, takes keys in any case. */
const keyOf = (text: string): Key | undefined => keys.find((key) => key.toLowerCase() === text.toLowerCase())

const plain = (node: Node): unknown => {
  if (node.type === "array") return (node.children ?? []).map(plain)
  return node.type === "object" ? {} : node.value
}

/** Values as they were written, for messages. */
const show = (text: string, node: Node): string => {
  const written = text.slice(node.offset, node.offset + node.length).replace(/\s+/g, " ")
  return written.length > 60 ? `${written.slice(0, 57)}...` : written
}

const lineOf = (text: string, offset: number): number => text.slice(0, offset).split("\n").length

interface Entry {
  readonly place: string
  readonly resource: ResourceConfig | undefined
}

/** One entry; problems are added to the list. `null` and, for mode, "" are what Go takes for "not there". */
const readEntry = (text: string, node: Node, position: number, problems: Array<string>): Entry => {
  const values = new Map<Key, Node>()
  const properties = node.type === "object" ? (node.children ?? []) : []
  for (const property of properties) {
    const [name, value] = property.children ?? []
    if (name === undefined || value === undefined) continue
    const key = keyOf(String(name.value))
    if (key === undefined) {
      problems.push(
        `entry ${position} (line ${lineOf(text, name.offset)}): unknown key "${name.value}"; keys are ${keys.join(", ")}`
      )
    } else values.set(key, value)
  }
  const name = values.get("name")
  const called = typeof name?.value === "string" && name.value !== "" ? ` "${name.value}"` : ""
  const place = `entry ${position}${called} (line ${lineOf(text, node.offset)})`
  if (node.type !== "object") {
    problems.push(`${place}: is ${show(text, node)}, but must be an object with the keys ${keys.join(", ")}`)
    return { place, resource: undefined }
  }
  const before = problems.length
  const read = <A>(key: Key, rule: Rule<A>, otherwise: A | undefined): A => {
    const value = values.get(key)
    const absent = value === undefined || value.type === "null" || (key === "mode" && value.value === "")
    if (absent && otherwise !== undefined) return otherwise
    const result = absent ? Result.fail("is missing") : rule(plain(value))
    if (Result.isSuccess(result)) return result.success
    problems.push(
      absent || value === undefined
        ? `${place}: "${key}" is missing`
        : `entry ${position}${called} (line ${lineOf(text, value.offset)}): "${key}" is ${show(text, value)}, but ${result.failure}`
    )
    return otherwise as A
  }
  const mode = read("mode", readMode, "bridge")
  const capacity = read("capacity", readCapacity, mode === "passthru" ? 1 : defaultCapacity)
  const resource: ResourceConfig = {
    name: read("name", readName, undefined),
    lowerDevice: read("lowerDevice", readLowerDevice, undefined),
    mode,
    capacity,
    standalone: read("standalone", readStandalone, false)
  }
  if (problems.length > before) return { place, resource: undefined }
  if (mode === "passthru" && capacity > 1) {
    problems.push(`${place}: "capacity" is ${capacity}, but in mode passthru a lower device takes a single link`)
  }
  const longest = formatDeviceID({ resource: resource.name, ordinal: capacity - 1 })
  if (longest.length > longestDeviceID) {
    problems.push(
      `${place}: "name" is too long: device ID "${longest}" has ${longest.length} characters, and the kubelet takes ${longestDeviceID}`
    )
  }
  return { place, resource }
}

/** Two entries of one name, or (a chance of 1 in 131072 a pair) two names with the same block of ifindexes. */
const compareEntries = (entries: ReadonlyArray<Entry>, problems: Array<string>): void => {
  const byName = new Map<string, string>()
  const byBlock = new Map<number, string>()
  for (const { place, resource } of entries) {
    if (resource === undefined) continue
    const { name } = resource
    const twin = byName.get(name)
    const neighbour = byBlock.get(indexBlock(name))
    if (twin !== undefined) problems.push(`${place}: "name" is that of ${twin} as well`)
    else if (neighbour !== undefined) {
      problems.push(
        `${place}: "name" leads to the same ifindexes as that of ${neighbour}, since both names have the same hash; rename one`
      )
    }
    byName.set(name, twin ?? place)
    byBlock.set(indexBlock(name), neighbour ?? place)
  }
}

/** The configuration in `text`, or everything that is wrong with it. */
export const parseConfig = (source: string, text: string): Result.Result<Config, ConfigError> => {
  const fail = (problems: ReadonlyArray<string>) => Result.fail(new ConfigError({ source, problems }))
  const errors: Array<ParseError> = []
  const root = text.trim() === "" ? undefined : parseTree(text, errors, { disallowComments: true })
  const [error] = errors
  if (root === undefined || error !== undefined) {
    const at = error?.offset ?? 0
    const column = at - text.lastIndexOf("\n", at - 1)
    return fail([
      text.trim() === ""
        ? `is empty; give a JSON array of resources, or [] for one resource for every physical link and bond`
        : `line ${lineOf(text, at)}, column ${column}: ${describeSyntaxError(text, at, error)}`
    ])
  }
  if (root.type !== "array") return fail([`must be a JSON array of resources, but is ${show(text, root)}`])
  const problems: Array<string> = []
  const entries = (root.children ?? []).map((node, n) => readEntry(text, node, n + 1, problems))
  compareEntries(entries, problems)
  if (problems.length > 0) return fail(problems)
  const resources = entries.flatMap(({ resource }) => (resource === undefined ? [] : [resource]))
  return Result.succeed(resources.length === 0 ? { _tag: "Discover" } : { _tag: "Resources", resources })
}

/** `InvalidSymbol` → `invalid symbol`; what many configurations have is a comma too many. */
const describeSyntaxError = (text: string, at: number, error: ParseError | undefined): string => {
  const words = printParseErrorCode(error?.error ?? 1)
    .replace(/([a-z])([A-Z])/g, "$1 $2")
    .toLowerCase()
  return /[}\]]/.test(text[at] ?? "") && /,\s*$/.test(text.slice(0, at))
    ? `a comma before "${text[at]}", where JSON has none`
    : `not JSON: ${words}`
}
