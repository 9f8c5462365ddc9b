/** Messages in one line for the debug log: what is known of them in words of C, what is not as a count. */
import { kindByName } from "../link/kinds.ts"
import type { LinkKind } from "../link/LinkKind.ts"
import { decodeOptions } from "../link/options.ts"
import { decodeAttributes } from "../wire/attribute.ts"
import { empty, hex, readS32, readText, readU32 } from "../wire/bytes.ts"
import { errnoName } from "../wire/errno.ts"
import { jsonText, quote } from "../wire/foreign.ts"
import { decodeIp } from "../wire/ip.ts"
import { decodeMac } from "../wire/mac.ts"
import * as C from "./constants.ts"
import { type Message, readError } from "./message.ts"
import { readHops } from "./route.ts"

type Show = (payload: Uint8Array) => string
type Table = Readonly<Record<number, readonly [name: string, show: Show]>>

const number: Show = (payload) => `${readU32(payload) ?? hex(payload)}`
const signed: Show = (payload) => `${readS32(payload) ?? hex(payload)}`
const words: Show = (payload) => quote(readText(payload))
const mac: Show = (payload) => decodeMac(payload) ?? hex(payload)
const ip: Show = (payload) => decodeIp(payload) ?? hex(payload)
const nested =
  (table: Table): Show =>
  (payload) =>
    `{${showAttributes(table, payload)}}`

/** IFLA_INFO_DATA means something only beside its kind. */
const linkInfo: Show = (payload) => {
  const info = new Map(decodeAttributes(payload).map((attribute) => [attribute.type, attribute.payload]))
  const kind = readText(info.get(C.IFLA_INFO_KIND) ?? empty)
  const data = info.get(C.IFLA_INFO_DATA)
  return `${quote(kind)}${data === undefined ? "" : ` ${showOptions(kindByName(kind), data)}`}`
}

const showOptions = (kind: LinkKind | undefined, data: Uint8Array): string => {
  const attributes = decodeAttributes(data)
  return kind
    ? jsonText(decodeOptions(kind, new Map(attributes.map(({ payload, type }) => [type, payload]))))
    : `{${attributes.length} attributes}`
}

const linkTable: Table = {
  [C.IFLA_IFNAME]: ["IFNAME", words],
  [C.IFLA_ALT_IFNAME]: ["ALT_IFNAME", words],
  [C.IFLA_ADDRESS]: ["ADDRESS", mac],
  [C.IFLA_MTU]: ["MTU", number],
  [C.IFLA_LINK]: ["LINK", number],
  [C.IFLA_MASTER]: ["MASTER", number],
  [C.IFLA_IFALIAS]: ["IFALIAS", words],
  [C.IFLA_NET_NS_FD]: ["NET_NS_FD", number],
  [C.IFLA_EXT_MASK]: ["EXT_MASK", number],
  [C.IFLA_LINK_NETNSID]: ["LINK_NETNSID", signed],
  [C.IFLA_NEW_IFINDEX]: ["NEW_IFINDEX", number],
  [C.IFLA_LINKINFO]: ["LINKINFO", linkInfo]
}

const addressTable: Table = {
  [C.IFA_LOCAL]: ["LOCAL", ip],
  [C.IFA_ADDRESS]: ["ADDRESS", ip],
  [C.IFA_BROADCAST]: ["BROADCAST", ip],
  [C.IFA_FLAGS]: ["FLAGS", number]
}

/** The hops of a multipath route, each with its gateway. */
const hops: Show = (payload) =>
  readHops(payload)
    .map(({ dev, gw }) => `[${fields({ GATEWAY: gw, OIF: dev })}]`)
    .join(" ")

const routeTable: Table = {
  [C.RTA_DST]: ["DST", ip],
  [C.RTA_GATEWAY]: ["GATEWAY", ip],
  [C.RTA_VIA]: ["VIA", (payload) => ip(payload.subarray(2))],
  [C.RTA_OIF]: ["OIF", number],
  [C.RTA_PRIORITY]: ["PRIORITY", number],
  [C.RTA_TABLE]: ["TABLE", number],
  [C.RTA_MULTIPATH]: ["MULTIPATH", hops],
  [C.RTA_METRICS]: ["METRICS", nested({ [C.RTAX_MTU]: ["MTU", number], [C.RTAX_ADVMSS]: ["ADVMSS", number] })]
}

const showAttributes = (table: Table, bytes: Uint8Array): string => {
  const attributes = decodeAttributes(bytes)
  const known = attributes.flatMap(({ payload, type }) => {
    const row = table[type]
    return row ? [`${row[0]} ${row[1](payload)}`.trimEnd()] : []
  })
  const rest = attributes.length - known.length
  return [...known, ...(rest === 0 ? [] : [`+${rest} more`])].join(" ")
}

/** Words and values; what is 0 goes without saying. */
const fields = (values: Readonly<Record<string, number | string | undefined>>): string =>
  Object.entries(values)
    .flatMap(([name, value]) => (value ? [`${name} ${value}`] : []))
    .join(" ")

const bits = (names: Readonly<Record<string, number>>, value: number): string =>
  Object.entries(names)
    .flatMap(([name, bit]) => ((value & bit) === 0 ? [] : [name]))
    .join("|")

const linkFlags = { up: C.IFF_UP, promisc: C.IFF_PROMISC, allmulti: C.IFF_ALLMULTI }

/** The body's fixed part in words, and what its attributes mean. */
interface Layout {
  readonly size: number
  readonly head: (body: Uint8Array) => string
  readonly table: Table
}

const link: Layout = {
  size: 16,
  head: (body) =>
    fields({
      index: readS32(body, 4),
      flags: bits(linkFlags, readU32(body, 8) ?? 0),
      change: bits(linkFlags, readU32(body, 12) ?? 0)
    }),
  table: linkTable
}

const address: Layout = {
  size: 8,
  head: (body) => fields({ family: body[0], prefix: body[1], scope: body[3], index: readU32(body, 4) }),
  table: addressTable
}

const route: Layout = {
  size: 12,
  head: (body) => fields({ family: body[0], prefix: body[1], table: body[4], scope: body[6], type: body[7] }),
  table: routeTable
}

const types: Readonly<Record<number, readonly [name: string, layout: Layout]>> = {
  [C.RTM_NEWLINK]: ["RTM_NEWLINK", link],
  [C.RTM_DELLINK]: ["RTM_DELLINK", link],
  [C.RTM_GETLINK]: ["RTM_GETLINK", link],
  [C.RTM_NEWADDR]: ["RTM_NEWADDR", address],
  [C.RTM_DELADDR]: ["RTM_DELADDR", address],
  [C.RTM_GETADDR]: ["RTM_GETADDR", address],
  [C.RTM_NEWROUTE]: ["RTM_NEWROUTE", route],
  [C.RTM_DELROUTE]: ["RTM_DELROUTE", route],
  [C.RTM_GETROUTE]: ["RTM_GETROUTE", route]
}

const common = { REQUEST: C.NLM_F_REQUEST, MULTI: C.NLM_F_MULTI, ACK: C.NLM_F_ACK, DUMP_INTR: C.NLM_F_DUMP_INTR }

/** The upper bits mean one thing with RTM_GET…, another with RTM_NEW…, a third in an answer. */
const messageFlags = ({ flags, type }: Pick<Message, "flags" | "type">): string =>
  bits(
    (flags & C.NLM_F_REQUEST) === 0
      ? { ...common, CAPPED: C.NLM_F_CAPPED, ACK_TLVS: C.NLM_F_ACK_TLVS }
      : type % 4 === 2
        ? { ...common, DUMP: C.NLM_F_DUMP }
        : { ...common, EXCL: C.NLM_F_EXCL, CREATE: C.NLM_F_CREATE },
    flags
  )

const describeBody = (message: Pick<Message, "type" | "flags" | "body">): string => {
  if (message.type === C.NLMSG_ERROR || message.type === C.NLMSG_DONE) {
    const { errno, extack } = readError(message)
    const verdict = errno !== 0 ? errnoName(errno) : message.type === C.NLMSG_ERROR ? "acknowledged" : "done"
    return extack === undefined ? verdict : `${verdict} ${quote(extack)}`
  }
  const [name, layout] = types[message.type] ?? []
  if (name === undefined || layout === undefined) return `type ${message.type}, ${message.body.length} bytes`
  if (message.body.length < layout.size) return `${name}, cut off after ${message.body.length} bytes`
  const rest = showAttributes(layout.table, message.body.subarray(layout.size))
  return [name, layout.head(message.body), rest].filter((part) => part !== "").join(" ")
}

/** One line on a request or a message from the kernel; any bytes, never throws. Without a sequence number none is said. */
export const describe = (
  message: Pick<Message, "type" | "flags" | "body"> & { readonly sequence?: number }
): string => {
  const flags = messageFlags(message)
  const number = message.sequence === undefined ? "" : `#${message.sequence} `
  return `${number}${flags === "" ? "" : `${flags} `}${describeBody(message)}`
}
