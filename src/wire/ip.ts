/** IP addresses between text and bytes: dotted decimal, and the form of RFC 5952. The only place that knows either. */

const ipv4 = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/

const encodeIpv4 = (address: string): Uint8Array | undefined => {
  const parts = ipv4.exec(address)?.slice(1)
  return parts?.every((part) => Number(part) < 256 && (part === "0" || !part.startsWith("0")))
    ? Uint8Array.from(parts, Number)
    : undefined
}

/** Two bytes for each group of `groups`; the last group of an address may be dotted decimal (four bytes). */
const encodeGroups = (groups: string, endsAddress: boolean): ReadonlyArray<number> | undefined => {
  const bytes: Array<number> = []
  if (groups === "") return bytes
  const list = groups.split(":")
  for (const [index, group] of list.entries()) {
    const dotted = endsAddress && index === list.length - 1 ? encodeIpv4(group) : undefined
    if (dotted) bytes.push(...dotted)
    else if (/^[0-9a-f]{1,4}$/i.test(group)) bytes.push(parseInt(group, 16) >> 8, parseInt(group, 16) & 0xff)
    else return undefined
  }
  return bytes
}

const encodeIpv6 = (address: string): Uint8Array | undefined => {
  const halves = address.split("::")
  const head = encodeGroups(halves[0] ?? "", halves.length === 1)
  const tail = encodeGroups(halves[1] ?? "", true)
  if (halves.length > 2 || head === undefined || tail === undefined) return undefined
  const size = head.length + tail.length
  if (halves.length === 1 ? size !== 16 : size > 14) return undefined
  const bytes = new Uint8Array(16)
  bytes.set(head)
  bytes.set(tail, 16 - tail.length)
  return bytes
}

/** Four bytes or sixteen in network order; undefined for what is no address. A zone (`%eth0`) is none of its parts. */
export const encodeIp = (address: string): Uint8Array | undefined =>
  address.includes(":") ? encodeIpv6(address) : encodeIpv4(address)

/** Start and length of the longest run of zero groups, the first of equals; a single group is no run (RFC 5952, 4.2). */
const longestZeros = (groups: ReadonlyArray<number>): readonly [start: number, length: number] => {
  let best: readonly [number, number] = [0, 1]
  let start = 0
  for (const [index, group] of groups.entries()) {
    if (group !== 0) start = index + 1
    else if (index + 1 - start > best[1]) best = [start, index + 1 - start]
  }
  return best
}

const decodeIpv6 = (bytes: Uint8Array): string => {
  const groups = Array.from({ length: 8 }, (_, i) => ((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0))
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff) {
    return `::ffff:${bytes.subarray(12).join(".")}`
  }
  const [start, length] = longestZeros(groups)
  const words = groups.map((group) => group.toString(16))
  return length === 1 ? words.join(":") : `${words.slice(0, start).join(":")}::${words.slice(start + length).join(":")}`
}

/** Canonical text of four bytes or sixteen; undefined for any other length. */
export const decodeIp = (bytes: Uint8Array): string | undefined =>
  bytes.length === 4 ? bytes.join(".") : bytes.length === 16 ? decodeIpv6(bytes) : undefined

/** Of an address in text. */
export const familyOf = (address: string): 4 | 6 => (address.includes(":") ? 6 : 4)

/** The first `prefix` bits of the bytes, the rest zero. */
export const maskBytes = (bytes: Uint8Array, prefix: number): Uint8Array =>
  bytes.map((byte, index) => byte & (0xff00 >> Math.min(8, Math.max(0, prefix - index * 8))))
