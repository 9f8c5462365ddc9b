/** The top-level declarations of a file and which of them use which, as the parser sees it. */
import { readFileSync } from "node:fs"
import { parseSync } from "vite"

export interface Declaration {
  readonly name: string
  /** Offsets in the file: where its comment begins, and where it ends. */
  readonly start: number
  readonly end: number
  /** It holds code that runs when it is called, and is no plain fact. */
  readonly isCode: boolean
  /** Other declarations that it needs when the file is evaluated: the language wants them above. */
  readonly needs: ReadonlyArray<string>
  /** Those that it uses when it runs, in the order of use. */
  readonly calls: ReadonlyArray<string>
}

interface Node {
  readonly type: string
  readonly start: number
  readonly end: number
  readonly [key: string]: unknown
}

const isNode = (value: unknown): value is Node =>
  typeof value === "object" && value !== null && typeof (value as Node).type === "string"

const childrenOf = (node: Node): ReadonlyArray<Node> =>
  Object.values(node).flatMap((value) => (Array.isArray(value) ? value.filter(isNode) : isNode(value) ? [value] : []))

const isFunction = (node: Node): boolean =>
  ["ArrowFunctionExpression", "FunctionExpression", "FunctionDeclaration"].includes(node.type)

const holdsFunction = (node: Node): boolean => isFunction(node) || childrenOf(node).some(holdsFunction)

/** Names in the order in which they are met, and whether a function's body stands between. */
const usesOf = (node: Node, inFunction: boolean): ReadonlyArray<{ readonly name: string; readonly later: boolean }> => {
  if (node.type === "Identifier") return [{ name: node["name"] as string, later: inFunction }]
  const within = inFunction || isFunction(node)
  return childrenOf(node).flatMap((child) => {
    const isLabel =
      ((node.type === "MemberExpression" && child === node["property"]) ||
        (node.type === "Property" && child === node["key"] && node["shorthand"] !== true)) &&
      node["computed"] !== true
    return isLabel ? [] : usesOf(child, within)
  })
}

const namesOf = (statement: Node): ReadonlyArray<string> => {
  const declared = isNode(statement["declaration"]) ? statement["declaration"] : statement
  const parts = declared.type === "VariableDeclaration" ? (declared["declarations"] as ReadonlyArray<Node>) : [declared]
  return parts.flatMap((part) =>
    isNode(part["id"]) && typeof part["id"]["name"] === "string" ? [part["id"]["name"]] : []
  )
}

/** In the order of the file; imports and re-exports are none. */
export const declarationsOf = (file: string): ReadonlyArray<Declaration> => {
  const text = readFileSync(file, "utf8")
  const { program, comments } = parseSync(file, text)
  const statements = (program.body as unknown as ReadonlyArray<Node>).filter((node) => namesOf(node).length > 0)
  const all = new Set(statements.flatMap(namesOf))
  let last = 0
  for (const node of program.body) if (node.type === "ImportDeclaration") last = node.end
  return statements.map((node) => {
    const name = namesOf(node)[0] ?? ""
    const lead = comments.filter(({ start, end }) => start > last && end <= node.start)
    const start = Math.min(node.start, ...lead.map((comment) => comment.start))
    last = node.end
    const uses = usesOf(node, false).filter((use) => use.name !== name && all.has(use.name))
    const pick = (later: boolean) => [...new Set(uses.filter((use) => use.later === later).map((use) => use.name))]
    const needs = pick(false)
    return {
      name,
      start,
      end: node.end,
      isCode:
        holdsFunction(node) &&
        !/^(ClassDeclaration|TS)/.test((node["declaration"] as Node | undefined)?.type ?? node.type),
      needs,
      calls: pick(true).filter((used) => !needs.includes(used))
    }
  })
}
