/** A JSON text with the positions of what is in it, so that what is wrong can be shown where it stands. */
import * as Result from "effect/Result"
import { type Node, type ParseError, parseTree, printParseErrorCode } from "jsonc-parser"
import { type JsonBounds, jsonExcess } from "../../wire/boundedJson.ts"
import { escapeText } from "../../wire/foreign.ts"

/** The tree of the text, or in words, with the place, why there is none. Strict JSON, without comments. */
export const parseText = (text: string, bounds: JsonBounds): Result.Result<Node, string> => {
  const excess = jsonExcess(text, bounds)
  if (excess !== undefined) return Result.fail(excess)
  const errors: Array<ParseError> = []
  const root = parseTree(text, errors, { disallowComments: true })
  const [error] = errors
  if (root !== undefined && error === undefined) return Result.succeed(root)
  const at = error?.offset ?? 0
  const column = at - text.lastIndexOf("\n", at - 1)
  return Result.fail(`line ${lineOf(text, at)}, column ${column}: ${describe(text, at, error)}`)
}

/** `InvalidSymbol` → `invalid symbol`; what many configurations have is a comma too many. */
const describe = (text: string, at: number, error: ParseError | undefined): string => {
  const words = printParseErrorCode(error?.error ?? 1)
    .replace(/([a-z])([A-Z])/g, "$1 $2")
    .toLowerCase()
  return /[}\]]/.test(text[at] ?? "") && /,\s*$/.test(text.slice(0, at))
    ? `a comma before "${text[at]}", where JSON has none`
    : `not JSON: ${words}`
}

/** From 1. */
export const lineOf = (text: string, offset: number): number => text.slice(0, offset).split("\n").length

/** A value as it was written, on one line and not too long. */
export const show = (text: string, node: Node): string => {
  const written = escapeText(text.slice(node.offset, node.offset + node.length).replace(/\s+/g, " "))
  return written.length > 60 ? `${written.slice(0, 57)}...` : written
}

/** What the node means; objects' keys that are `__proto__` included. */
export const toValue = (node: Node): unknown => {
  if (node.type === "array") return (node.children ?? []).map(toValue)
  if (node.type !== "object") return node.value
  return Object.fromEntries(propertiesOf(node).map(({ key, value }) => [key, toValue(value)]))
}

interface Property {
  readonly key: string
  /** Where the key stands. */
  readonly offset: number
  readonly value: Node
}

export const propertiesOf = (node: Node): ReadonlyArray<Property> =>
  (node.type === "object" ? (node.children ?? []) : []).flatMap(({ children: [key, value] = [] }) =>
    key === undefined || value === undefined ? [] : [{ key: String(key.value), offset: key.offset, value }]
  )
