/**
 * Reading the configuration: a JSON array of resources, with the position of everything that is wrong in it. What
 * kubevirt/macvtap-cni takes and offers devices for is taken; where that is not what it seems to ask for, a remark says so.
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import type { Node } from "jsonc-parser"
import { formatDeviceID, indexBlock, largestCapacity } from "../../devices/deviceID.ts"
import { quote } from "../../wire/foreign.ts"
import { type Config, ConfigError, defaultCapacity, type ResourceConfig } from "./Config.ts"
import { Entry, type Key, keys } from "./document.ts"
import { lineOf, parseText, propertiesOf, show, toValue } from "./jsonText.ts"

/** A ConfigMap holds 1 MiB, and an environment variable 128 KiB. */
export const longestConfig = 1024 * 1024
const bounds = { parts: 50_000, depth: 8 }
/** Characters of a device ID, by the kubelet's rule. */
const longestDeviceID = 63

export interface ReadConfig {
  readonly config: Config
  /** What was taken otherwise than it is written; a line each. */
  readonly remarks: ReadonlyArray<string>
}

/** The configuration in `text`, or everything that is wrong with it. */
export const parseConfig = (source: string, text: string): Result.Result<ReadConfig, ConfigError> => {
  const fail = (problems: ReadonlyArray<string>) => Result.fail(new ConfigError({ source, problems }))
  if (text.trim() === "") {
    return fail(["is empty; give a JSON array of resources, or [] for one resource for every physical link and bond"])
  }
  const parsed = parseText(text, bounds)
  if (Result.isFailure(parsed)) return fail([parsed.failure])
  const root = parsed.success
  if (root.type !== "array" && root.type !== "null") {
    return fail([`must be a JSON array of resources, but is ${show(text, root)}`])
  }
  const entries = (root.children ?? []).map((node, n) => readEntry(text, node, n + 1))
  const resources = entries.flatMap(({ where, resource }) => (resource === undefined ? [] : [{ where, resource }]))
  const last = new Map(resources.map(({ where, resource }) => [resource.name, where]))
  const used = resources.filter(({ where, resource }) => last.get(resource.name) === where)
  const problems = [...entries.flatMap((entry) => entry.problems), ...findClashes(used)]
  if (problems.length > 0) return fail(problems)
  const remarks = [
    ...entries.flatMap((entry) => entry.remarks),
    ...resources
      .filter((resource) => !used.includes(resource))
      .map(({ where, resource }) => `${where}: "name" is that of ${last.get(resource.name)} as well, which is used`)
  ]
  const config: Config =
    used.length === 0 ? { _tag: "Discover" } : { _tag: "Resources", resources: used.map(({ resource }) => resource) }
  return Result.succeed({ config, remarks })
}

interface ReadEntry {
  /** `entry 2 "b" (line 7)`. */
  readonly where: string
  readonly resource: ResourceConfig | undefined
  readonly problems: ReadonlyArray<string>
  readonly remarks: ReadonlyArray<string>
}

/** As Go's decoder, keys are taken in any case, the last of equal ones, and `null` and, for mode, "" are "not there". */
const readEntry = (text: string, node: Node, position: number): ReadEntry => {
  const properties = propertiesOf(node).map((property) => ({ ...property, known: keyOf(property.key) }))
  const given = new Map(
    properties.flatMap(({ known, value }) => (known === undefined ? [] : [[known, value] as const]))
  )
  for (const [key, value] of given) {
    if (value.type === "null" || (key === "mode" && value.value === "")) given.delete(key)
  }
  const name: unknown = given.get("name")?.value
  const called = typeof name === "string" && name !== "" ? ` ${quote(name)}` : ""
  const at = (offset: number): string => `entry ${position}${called} (line ${lineOf(text, offset)})`
  const where = at(node.offset)
  const value = node.type === "object" ? Object.fromEntries([...given].map(([k, v]) => [k, toValue(v)])) : toValue(node)
  const decoded = decodeEntry(value)
  const told = (key: Key | undefined, words: string): string => {
    const there = key === undefined ? node : given.get(key)
    if (there === undefined) return `${where}: "${key}" is missing`
    return `${at(there.offset)}: ${key === undefined ? "" : `"${key}" `}is ${show(text, there)}, but ${words}`
  }
  const unknown = properties
    .filter(({ known }) => known === undefined)
    .map(({ key, offset }) => `${at(offset)}: unknown key ${quote(key)} is ignored; keys are ${keys.join(", ")}`)
  if (Result.isFailure(decoded)) {
    const problems = decoded.failure.map(({ key, words }) => told(key, words))
    return { where, resource: undefined, problems: [...new Set(problems)], remarks: unknown }
  }
  const { resource, remarks } = toResource(decoded.success)
  const longest = formatDeviceID({ resource: resource.name, ordinal: resource.capacity - 1 })
  const tooLong =
    longest.length > longestDeviceID
      ? [
          `${where}: "name" is too long: device ID "${longest}" has ${longest.length} characters, and the kubelet takes ` +
            `${longestDeviceID}`
        ]
      : []
  return { where, resource, problems: tooLong, remarks: [...unknown, ...remarks.map((words) => `${where}: ${words}`)] }
}

const keyOf = (text: string): Key | undefined => keys.find((key) => key.toLowerCase() === text.toLowerCase())

interface Fault {
  /** undefined: the entry itself. */
  readonly key: Key | undefined
  readonly words: string
}

const decode = Schema.decodeUnknownResult(Entry, { errors: "all" })
const format = SchemaIssue.makeFormatterStandardSchemaV1()

const decodeEntry = (value: unknown): Result.Result<Entry, ReadonlyArray<Fault>> =>
  Result.mapError(decode(value), ({ issue }) =>
    format(issue).issues.map(({ path: [key] = [], message }) => ({
      key: keys.find((known) => known === key),
      words: message
    }))
  )

const toResource = (entry: Entry): { readonly resource: ResourceConfig; readonly remarks: ReadonlyArray<string> } => {
  const { name, lowerDevice, mode = "bridge", capacity = 0, standalone = false } = entry
  const most = mode === "passthru" ? 1 : largestCapacity
  const wanted = capacity > 0 ? capacity : Math.min(defaultCapacity, most)
  const why =
    mode === "passthru" ? "in mode passthru a lower device takes a single link" : `a resource has up to ${most}`
  return {
    resource: { name, lowerDevice: [lowerDevice].flat(), mode, capacity: Math.min(wanted, most), standalone },
    remarks: wanted > most ? [`"capacity" is ${wanted}, but ${why}; it is taken as ${most}`] : []
  }
}

/** Two names, by a chance of 1 in 131072 a pair, with the same block of ifindexes. */
const findClashes = (
  entries: ReadonlyArray<{ readonly where: string; readonly resource: ResourceConfig }>
): ReadonlyArray<string> => {
  const owners = new Map<number, string>()
  return entries.flatMap(({ where, resource }) => {
    const block = indexBlock(resource.name)
    const owner = owners.get(block)
    owners.set(block, owner ?? where)
    return owner === undefined
      ? []
      : [
          `${where}: "name" leads to the same ifindexes as that of ${owner}, since both names have the same hash; rename one`
        ]
  })
}
