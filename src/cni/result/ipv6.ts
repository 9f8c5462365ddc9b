/** IPv6 addresses between text and bytes: RFC 4291 section 2.2 is read, RFC 5952 is written. */
import { parseIpv4 } from "./ipv4.ts"

const group = /^[0-9a-f]{1,4}$/i

/** The bytes of `a:b:…`, of which the last part may be IPv4; undefined where a part is none. No part, no bytes. */
const parseParts = (text: string, mayEndInIpv4: boolean): ReadonlyArray<number> | undefined => {
  const bytes: Array<number> = []
  const parts = text === "" ? [] : text.split(":")
  for (const [index, part] of parts.entries()) {
    if (group.test(part)) {
      const value = Number.parseInt(part, 16)
      bytes.push(value >> 8, value & 0xff)
      continue
    }
    const ipv4 = mayEndInIpv4 && index === parts.length - 1 ? parseIpv4(part) : undefined
    if (ipv4 === undefined) {
      return undefined
    }
    bytes.push(...ipv4)
  }
  return bytes
}

/** 16 bytes of an address without a zone. */
export const parseIpv6 = (text: string): ReadonlyArray<number> | undefined => {
  const halves = text.length > 45 ? [] : text.split("::")
  if (halves.length !== 1 && halves.length !== 2) {
    return undefined
  }
  const [head = "", tail] = halves
  const before = parseParts(head, tail === undefined)
  const after = parseParts(tail ?? "", true)
  if (before === undefined || after === undefined) {
    return undefined
  }
  const zeros = 16 - before.length - after.length
  // `::` stands for at least one group, and without it all eight are there.
  const fits = tail === undefined ? zeros === 0 : zeros >= 2
  return fits ? [...before, ...new Array<number>(zeros).fill(0), ...after] : undefined
}

/** Start and length of the longest run of zero groups, the first of equals; a single one is not shortened. */
const longestZeros = (groups: ReadonlyArray<number>): readonly [start: number, length: number] => {
  let best: readonly [number, number] = [-1, 1]
  let length = 0
  for (const [index, value] of groups.entries()) {
    length = value === 0 ? length + 1 : 0
    if (length > best[1]) {
      best = [index - length + 1, length]
    }
  }
  return best
}

/** Lower case, no leading zeros, the longest run of zero groups as `::`. */
export const formatIpv6 = (bytes: ReadonlyArray<number>): string => {
  const groups = Array.from({ length: 8 }, (_, index) => ((bytes[2 * index] ?? 0) << 8) | (bytes[2 * index + 1] ?? 0))
  const [start, length] = longestZeros(groups)
  const text = (part: ReadonlyArray<number>) => part.map((value) => value.toString(16)).join(":")
  return start < 0 ? text(groups) : `${text(groups.slice(0, start))}::${text(groups.slice(start + length))}`
}
