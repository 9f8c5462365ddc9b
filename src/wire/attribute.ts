/** Netlink attributes: type, length, value, padded to four bytes; the value may be attributes again. */
import { align } from "./align.ts"
import { concat, readU16, u16 } from "./bytes.ts"

/** `struct nlattr { __u16 nla_len; __u16 nla_type; };` with the flag bits of the type set apart. */
export interface Attribute {
  /** Without the flags. */
  readonly type: number
  readonly payload: Uint8Array
  /** NLA_F_NESTED: old attributes (IFLA_LINKINFO) nest without saying so. */
  readonly nested?: true
  /** NLA_F_NET_BYTEORDER. */
  readonly bigEndian?: true
}

/** `#define NLA_HDRLEN ((int) NLA_ALIGN(sizeof(struct nlattr)))` */
const NLA_HDRLEN = 4
/** `#define NLA_F_NESTED (1 << 15)` */
const NLA_F_NESTED = 0x8000
/** `#define NLA_F_NET_BYTEORDER (1 << 14)` */
const NLA_F_NET_BYTEORDER = 0x4000
/** `#define NLA_TYPE_MASK ~(NLA_F_NESTED | NLA_F_NET_BYTEORDER)` */
const NLA_TYPE_MASK = 0x3fff

/** nla_len is 16 bits: what a payload can hold at most. */
export const maxPayload = 0xffff - NLA_HDRLEN

/** Each attribute's header, payload and padding. A payload is at most `maxPayload` bytes. */
export const encodeAttributes = (attributes: ReadonlyArray<Attribute>): Uint8Array => {
  const parts: Array<Uint8Array> = []
  for (const { bigEndian, nested, payload, type } of attributes) {
    const length = NLA_HDRLEN + payload.length
    const flags = (nested ? NLA_F_NESTED : 0) | (bigEndian ? NLA_F_NET_BYTEORDER : 0)
    parts.push(u16(length), u16(type | flags), payload, new Uint8Array(align(length) - length))
  }
  return concat(parts)
}

/**
 * Shows the attributes in `bytes`, payloads being views of it. Reading stops at the first header that cannot be right (a
 * length below its own size or beyond the end), as the kernel's `nla_ok` does: what came before is good.
 */
const walk = (bytes: Uint8Array, visit: (typeAndFlags: number, payload: Uint8Array) => void): void => {
  for (let offset = 0; offset + NLA_HDRLEN <= bytes.length; ) {
    const length = readU16(bytes, offset) ?? 0
    if (length < NLA_HDRLEN || offset + length > bytes.length) break
    visit(readU16(bytes, offset + 2) ?? 0, bytes.subarray(offset + NLA_HDRLEN, offset + length))
    offset += align(length)
  }
}

/** The attributes in their order. */
export const decodeAttributes = (bytes: Uint8Array): ReadonlyArray<Attribute> => {
  const attributes: Array<Attribute> = []
  walk(bytes, (type, payload) => {
    attributes.push({
      type: type & NLA_TYPE_MASK,
      payload,
      ...(type & NLA_F_NESTED ? { nested: true } : {}),
      ...(type & NLA_F_NET_BYTEORDER ? { bigEndian: true } : {})
    })
  })
  return attributes
}

/** Payloads by type; of a type that occurs twice the last counts, as for the kernel's `nla_parse`. */
export const indexAttributes = (bytes: Uint8Array): ReadonlyMap<number, Uint8Array> => {
  const payloads = new Map<number, Uint8Array>()
  walk(bytes, (type, payload) => void payloads.set(type & NLA_TYPE_MASK, payload))
  return payloads
}

/** An attribute of attributes, in the old way, without NLA_F_NESTED, as `ip` sends them too. */
export const nest = (type: number, attributes: ReadonlyArray<Attribute>): Attribute => ({
  type,
  payload: encodeAttributes(attributes)
})

/** `{ type, payload }`, or nothing for a value that was left out: spread into a list of attributes. */
export const optional = <A>(
  type: number,
  value: A | undefined,
  encode: (value: A) => Uint8Array
): ReadonlyArray<Attribute> => (value === undefined ? [] : [{ type, payload: encode(value) }])
