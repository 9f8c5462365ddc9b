/** Codecs that the attribute tables of kinds are made of. */
import { decodeAttributes, encodeAttributes } from "../wire/attribute.ts"
import { readS32, readU16, readU32, s32, u16, u32 } from "../wire/bytes.ts"
import { decodeMac, encodeMac, isUnicastMac, parseMac } from "../wire/mac.ts"
import type { AttributeCodec } from "./LinkKind.ts"

const integer = (value: unknown, least: number, most: number): number | undefined =>
  typeof value === "number" && Number.isInteger(value) && value >= least && value <= most ? value : undefined

/** A u32 from `least` to 2^32 - 1. */
export const u32Codec = (least = 0): AttributeCodec<number> => ({
  encode: u32,
  decode: (payload) => readU32(payload),
  parse: (value) => integer(value, least, 0xffffffff),
  expected: `a whole number from ${least} to 4294967295`
})

export const s32Codec: AttributeCodec<number> = {
  encode: s32,
  decode: (payload) => readS32(payload),
  parse: (value) => integer(value, -0x80000000, 0x7fffffff),
  expected: "a whole number from -2147483648 to 2147483647"
}

/** A number that has names: `enum` in C. `width` is that of the attribute, and a policy that the kernel checks. */
export const namesCodec = (names: Readonly<Record<string, number>>, width: "u16" | "u32"): AttributeCodec<string> => {
  const values = Object.keys(names)
  const [write, read] = width === "u16" ? [u16, readU16] : [u32, readU32]
  return {
    encode: (value) => write(names[value] ?? 0),
    decode: (payload) => {
      const number = read(payload)
      for (const name of values) {
        if (names[name] === number) return name
      }
      return undefined
    },
    parse: (value) => values.find((name) => name === value),
    expected: `one of ${values.join(", ")}`,
    values
  }
}

/** A u16 of a few bits that have names, as the list of those that are set; bits without a name are left out. */
export const flagsCodec = (bits: Readonly<Record<string, number>>): AttributeCodec<ReadonlyArray<string>> => {
  const names = Object.keys(bits)
  const setIn = (flags: number): ReadonlyArray<string> => {
    const set: Array<string> = []
    for (const name of names) {
      if ((flags & (bits[name] ?? 0)) !== 0) set.push(name)
    }
    return set
  }
  return {
    encode: (value) => u16(value.reduce((flags, name) => flags | (bits[name] ?? 0), 0)),
    decode: (payload) => {
      const flags = readU16(payload)
      return flags === undefined ? undefined : setIn(flags)
    },
    parse: (value) =>
      Array.isArray(value) && value.every((name) => names.includes(name))
        ? names.filter((name) => value.includes(name))
        : undefined,
    expected: `a list of ${names.join(", ")}`
  }
}

/** Far more than anyone lists; a nested attribute ends at 64 KiB, which is 5460. */
const mostMacs = 4096

/**
 * MAC addresses, each in an attribute of `type`. A set: the kernel reports them in an order of its own, so they are
 * sorted here, and one that is named twice counts once.
 */
export const macsCodec = (type: number): AttributeCodec<ReadonlyArray<string>> => ({
  encode: (value) => encodeAttributes(value.map((mac) => ({ type, payload: encodeMac(mac) }))),
  decode: (payload) =>
    decodeAttributes(payload)
      .flatMap((attribute) => (attribute.type === type ? (decodeMac(attribute.payload) ?? []) : []))
      .sort(),
  parse: (value) => {
    if (!Array.isArray(value) || value.length === 0 || value.length > mostMacs) return undefined
    const macs = new Set<string>()
    for (const item of value) {
      const mac = typeof item === "string" ? parseMac(item) : undefined
      if (mac === undefined || !isUnicastMac(mac)) return undefined
      macs.add(mac)
    }
    return [...macs].sort()
  },
  expected: `a list of 1 to ${mostMacs} unicast MAC addresses such as 02:03:04:05:06:07`
})
