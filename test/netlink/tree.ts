/** Messages as trees that can be compared: attributes of one level sorted, since the kernel minds no order. */
import type { Message } from "../../src/netlink/message.ts"
import { type Attribute, decodeAttributes, encodeAttributes } from "../../src/wire/attribute.ts"
import { hex, readText } from "../../src/wire/bytes.ts"

export interface Tree {
  readonly [type: string]: string | Tree
}

/** Which attributes hold attributes, by path of types. What IFLA_INFO_DATA holds depends on the kind beside it. */
interface Nests {
  readonly [type: number]: Nests | ByKind
}
type ByKind = (kind: string) => Nests

const IFLA_LINKINFO = 18
const IFLA_INFO_KIND = 1
const IFLA_INFO_DATA = 2
const IFLA_MACVLAN_MACADDR_DATA = 5
const RTA_METRICS = 8

const optionNests: ByKind = (kind) => (/^macv(lan|tap)$/.test(kind) ? { [IFLA_MACVLAN_MACADDR_DATA]: {} } : {})

/** What an attribute holds, if that is attributes; `level` is itself and its siblings. */
const nestsOf = (type: number, nests: Nests, level: ReadonlyArray<Attribute>): Nests | undefined => {
  const inner = nests[type]
  const kind = level.find((sibling) => sibling.type === IFLA_INFO_KIND)?.payload
  return typeof inner === "function" ? inner(kind ? readText(kind) : "") : inner
}

/** By message type: the size of the fixed part, and the nests behind it. */
const layouts: Readonly<Record<number, readonly [size: number, nests: Nests]>> = {
  16: [16, { [IFLA_LINKINFO]: { [IFLA_INFO_DATA]: optionNests } }],
  17: [16, {}],
  18: [16, {}],
  20: [8, {}],
  21: [8, {}],
  22: [8, {}],
  24: [12, { [RTA_METRICS]: {} }],
  25: [12, { [RTA_METRICS]: {} }],
  26: [12, {}]
}

const tree = (bytes: Uint8Array, nests: Nests): Tree => {
  const level = decodeAttributes(bytes)
  const entries = level.map(({ payload, type }): readonly [string, string | Tree] => {
    const inner = nestsOf(type, nests, level)
    return [`${type}`, inner === undefined ? hex(payload) : tree(payload, inner)]
  })
  // Attributes of one type, as in a list of MAC addresses, are told apart by their value.
  const repeated = entries.length !== new Set(entries.map(([type]) => type)).size
  return Object.fromEntries(repeated ? entries.map(([type, value]) => [`${type} ${value}`, value]) : entries)
}

/** Type, flags, fixed part and attributes; without sequence number and port. */
export const toTree = ({ body, flags, type }: Pick<Message, "type" | "flags" | "body">) => {
  const [size, nests] = layouts[type] ?? [body.length, {}]
  return { type, flags, head: hex(body.subarray(0, size)), attributes: tree(body.subarray(size), nests) }
}

/** An attribute with what it holds, where that is attributes: nothing is lost, so that it can be encoded back. */
interface Node extends Attribute {
  readonly children?: ReadonlyArray<Node>
}

const nodes = (bytes: Uint8Array, nests: Nests): ReadonlyArray<Node> => {
  const level = decodeAttributes(bytes)
  return level.map((attribute) => {
    const inner = nestsOf(attribute.type, nests, level)
    return inner === undefined ? attribute : { ...attribute, children: nodes(attribute.payload, inner) }
  })
}

const nestsOfMessage = ({ type }: Message): Nests => layouts[type]?.[1] ?? {}

/** Bytes before the attributes; of a message that is none of rtnetlink's, all of them. */
export const sizeOfHead = ({ body, type }: Message): number => layouts[type]?.[0] ?? body.length

export const attributeTrees = (message: Message): ReadonlyArray<Node> =>
  nodes(message.body.subarray(sizeOfHead(message)), nestsOfMessage(message))

export const encodeTrees = (trees: ReadonlyArray<Node>): Uint8Array =>
  encodeAttributes(
    trees.map(({ children, ...attribute }) =>
      children === undefined ? attribute : { ...attribute, payload: encodeTrees(children) }
    )
  )
