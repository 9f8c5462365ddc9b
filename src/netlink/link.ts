/** The body of RTM_NEWLINK and its kin: `struct ifinfomsg` and attributes IFLA_*. */

import { kindByName } from "../link/kinds.ts"
import type { Link, LinkOptions, Parent } from "../link/Link.ts"
import type { LinkKind } from "../link/LinkKind.ts"
import type { LinkSettings } from "../link/LinkSpec.ts"
import { decodeOptions, encodeOptions } from "../link/options.ts"
import { type Attribute, encodeAttributes, nest, optional, type Payloads, payloadsIn } from "../wire/attribute.ts"
import { concat, cstring, empty, putU32, readS32, readText, readU32, text, u32 } from "../wire/bytes.ts"
import { decodeMac, encodeMac } from "../wire/mac.ts"
import {
  IFF_ALLMULTI,
  IFF_PROMISC,
  IFF_RUNNING,
  IFF_UP,
  IFLA_ADDRESS,
  IFLA_IFALIAS,
  IFLA_IFNAME,
  IFLA_INFO_DATA,
  IFLA_INFO_KIND,
  IFLA_LINK,
  IFLA_LINK_NETNSID,
  IFLA_LINKINFO,
  IFLA_MASTER,
  IFLA_MAX_MTU,
  IFLA_MIN_MTU,
  IFLA_MTU
} from "./constants.ts"

/** `sizeof(struct ifinfomsg)` */
const IFINFOMSG = 16

/**
 * `struct ifinfomsg { unsigned char ifi_family, __ifi_pad; unsigned short ifi_type; int ifi_index;
 * unsigned ifi_flags, ifi_change; };` and attributes. Only the flags named in `settings` are touched: ifi_change says
 * which those are.
 */
export const encodeLink = (
  index: number,
  attributes: ReadonlyArray<Attribute>,
  settings: LinkSettings = {}
): Uint8Array => {
  let flags = 0
  let change = 0
  const named = [
    [IFF_UP, settings.up],
    [IFF_PROMISC, settings.promisc],
    [IFF_ALLMULTI, settings.allmulti]
  ] as const
  for (const [bit, on] of named) {
    if (on !== undefined) change |= bit
    if (on === true) flags |= bit
  }
  // The family is AF_UNSPEC, which is 0, and so is the device type.
  const header = new Uint8Array(IFINFOMSG)
  putU32(header, 4, index)
  putU32(header, 8, flags)
  putU32(header, 12, change)
  return concat([header, encodeAttributes(attributes)])
}

/** What `ip link set` can say of any link, flags and options apart. */
export const settingAttributes = ({ alias, mac, mtu, name }: LinkSettings): ReadonlyArray<Attribute> => [
  ...optional(IFLA_IFNAME, name, cstring),
  ...optional(IFLA_MTU, mtu, u32),
  ...optional(IFLA_ADDRESS, mac, encodeMac),
  ...optional(IFLA_IFALIAS, alias, text)
]

/** IFLA_LINKINFO: the kind, and its options where there are any. The kernel takes options only beside their kind. */
export const kindAttribute = (kind: LinkKind, options: LinkOptions = {}): Attribute => {
  const data = encodeOptions(kind, options)
  return nest(IFLA_LINKINFO, [
    { type: IFLA_INFO_KIND, payload: text(kind.kind) },
    ...(data.length === 0 ? [] : [nest(IFLA_INFO_DATA, data)])
  ])
}

/** The link that an RTM_NEWLINK describes; undefined for a body that is none. Unknown attributes are skipped. */
export const decodeLink = (body: Uint8Array): Link | undefined => {
  if (body.length < IFINFOMSG) return undefined
  const attributes = payloadsIn(body.subarray(IFINFOMSG))
  const bytes = (type: number): Uint8Array => attributes.get(type) ?? empty
  const name = readText(bytes(IFLA_IFNAME))
  if (name === "") return undefined

  const flags = readU32(body, 8) ?? 0
  const info = payloadsIn(bytes(IFLA_LINKINFO))
  const kind = readText(info.get(IFLA_INFO_KIND) ?? empty)
  const table = kindByName(kind)
  const mac = decodeMac(bytes(IFLA_ADDRESS))
  const parent = readParent(attributes)
  const controller = readU32(bytes(IFLA_MASTER))
  const alias = readText(bytes(IFLA_IFALIAS))
  return {
    index: readS32(body, 4) ?? 0,
    name,
    mtu: readU32(bytes(IFLA_MTU)) ?? 0,
    minMtu: readU32(bytes(IFLA_MIN_MTU)) ?? 0,
    maxMtu: readU32(bytes(IFLA_MAX_MTU)) ?? 0,
    up: (flags & IFF_UP) !== 0,
    running: (flags & IFF_RUNNING) !== 0,
    promisc: (flags & IFF_PROMISC) !== 0,
    allmulti: (flags & IFF_ALLMULTI) !== 0,
    options: table ? decodeOptions(table, payloadsIn(info.get(IFLA_INFO_DATA) ?? empty)) : {},
    ...(mac === undefined ? {} : { mac }),
    ...(kind === "" ? {} : { kind }),
    ...(parent === undefined ? {} : { parent }),
    ...(controller ? { controller } : {}),
    ...(alias === "" ? {} : { alias })
  }
}

/** IFLA_LINK is 0 for a tunnel that has no link below. */
const readParent = (attributes: Payloads): Parent | undefined => {
  const index = readU32(attributes.get(IFLA_LINK) ?? empty)
  if (!index) return undefined
  const netnsid = readS32(attributes.get(IFLA_LINK_NETNSID) ?? empty)
  return netnsid === undefined ? { index } : { index, netnsid }
}
