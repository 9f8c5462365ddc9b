/** Netlink attributes: type, length, value, padded to four bytes; the value may be attributes again. */
import { align } from "./align.ts"
import { putU16, readU16 } from "./bytes.ts"

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
  let size = 0
  for (const { payload } of attributes) size += align(NLA_HDRLEN + payload.length)
  const whole = new Uint8Array(size)
  let offset = 0
  for (const { bigEndian, nested, payload, type } of attributes) {
    putU16(whole, offset, NLA_HDRLEN + payload.length)
    putU16(whole, offset + 2, type | (nested ? NLA_F_NESTED : 0) | (bigEndian ? NLA_F_NET_BYTEORDER : 0))
    whole.set(payload, offset + NLA_HDRLEN)
    offset += align(NLA_HDRLEN + payload.length)
  }
  return whole
}

/**
 * Shows the attributes in `bytes`: where each begins, and how long it is with its header. Reading stops at the first header
 * that cannot be right (a length below its own size or beyond the end), as the kernel's `nla_ok` does: what came before is
 * good.
 */
const walk = (bytes: Uint8Array, visit: (typeAndFlags: number, offset: number, length: number) => void): void => {
  for (let offset = 0; offset + NLA_HDRLEN <= bytes.length; ) {
    const length = readU16(bytes, offset) ?? 0
    if (length < NLA_HDRLEN || offset + length > bytes.length) break
    visit(readU16(bytes, offset + 2) ?? 0, offset, length)
    offset += align(length)
  }
}

/** The attributes in their order. */
export const decodeAttributes = (bytes: Uint8Array): ReadonlyArray<Attribute> => {
  const attributes: Array<Attribute> = []
  walk(bytes, (type, offset, length) => {
    attributes.push({
      type: type & NLA_TYPE_MASK,
      payload: bytes.subarray(offset + NLA_HDRLEN, offset + length),
      ...(type & NLA_F_NESTED ? { nested: true } : {}),
      ...(type & NLA_F_NET_BYTEORDER ? { bigEndian: true } : {})
    })
  })
  return attributes
}

/** Payloads by type, views of the bytes that they were found in. */
export interface Payloads {
  readonly get: (type: number) => Uint8Array | undefined
}

/**
 * The payloads in `bytes`, looked for when they are asked for. Of a type that occurs twice the last counts, as for the
 * kernel's `nla_parse`. A link has some forty attributes, of which a dozen are asked for: going through their headers again
 * costs less than a Map of them.
 */
export const payloadsIn = (bytes: Uint8Array): Payloads => ({
  get: (wanted) => {
    let start = 0
    let end = 0
    walk(bytes, (type, offset, length) => {
      if ((type & NLA_TYPE_MASK) !== wanted) return
      start = offset + NLA_HDRLEN
      end = offset + length
    })
    return start === 0 ? undefined : bytes.subarray(start, end)
  }
})

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
