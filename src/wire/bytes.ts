/**
 * Numbers and text as bytes. Netlink speaks the machine's own byte order, and every machine that this program is built
 * for (x64, arm64) is little endian: stated here, and nowhere else. Readers answer undefined where bytes are missing.
 *
 * Here, and where else every call comes by, loops go by index and arrays are written out: iterating typed arrays, `of` and
 * `from` are JavaScript of the engine's own that a cold process first has to compile (0.1 ms each).
 */
const encoder = new TextEncoder()
const decoder = new TextDecoder()

export const empty = new Uint8Array(0)

export const u8 = (value: number): Uint8Array => new Uint8Array([value])

export const u16 = (value: number): Uint8Array => new Uint8Array([value, value >> 8])

export const u32 = (value: number): Uint8Array => new Uint8Array([value, value >> 8, value >> 16, value >> 24])

/** s32 is u32 in two's complement. */
export const s32 = u32

/** UTF-8 without a terminator: NLA_STRING where the length says it all (IFLA_IFALIAS, IFLA_INFO_KIND). */
export const text = (value: string): Uint8Array => encoder.encode(value)

/** UTF-8 with its NUL: NLA_NUL_STRING (IFLA_IFNAME). */
export const cstring = (value: string): Uint8Array => encoder.encode(`${value}\0`)

/** Writes 16 bits at the offset. */
export const putU16 = (bytes: Uint8Array, offset: number, value: number): void => {
  bytes[offset] = value
  bytes[offset + 1] = value >> 8
}

/** Writes 32 bits at the offset. */
export const putU32 = (bytes: Uint8Array, offset: number, value: number): void => {
  putU16(bytes, offset, value)
  putU16(bytes, offset + 2, value >> 16)
}

/** The parts one behind the other. */
export const concat = (parts: ReadonlyArray<Uint8Array>): Uint8Array => {
  let length = 0
  for (const part of parts) length += part.length
  const whole = new Uint8Array(length)
  let offset = 0
  for (const part of parts) {
    whole.set(part, offset)
    offset += part.length
  }
  return whole
}

/** The four bytes at an offset that was looked at: the compiler does not know that they are there. */
const word = (bytes: Uint8Array, offset: number): number =>
  (bytes[offset] as number) |
  ((bytes[offset + 1] as number) << 8) |
  ((bytes[offset + 2] as number) << 16) |
  ((bytes[offset + 3] as number) << 24)

export const readU8 = (bytes: Uint8Array, offset = 0): number | undefined => bytes[offset]

export const readU16 = (bytes: Uint8Array, offset = 0): number | undefined =>
  offset + 2 <= bytes.length ? (bytes[offset] as number) | ((bytes[offset + 1] as number) << 8) : undefined

export const readU32 = (bytes: Uint8Array, offset = 0): number | undefined =>
  offset + 4 <= bytes.length ? word(bytes, offset) >>> 0 : undefined

export const readS32 = (bytes: Uint8Array, offset = 0): number | undefined =>
  offset + 4 <= bytes.length ? word(bytes, offset) : undefined

/** UTF-8 up to the first NUL, or to the end: the kernel writes both. */
export const readText = (bytes: Uint8Array): string => {
  const end = bytes.indexOf(0)
  return decoder.decode(end < 0 ? bytes : bytes.subarray(0, end))
}

/** `02ff`: two digits a byte; `02:ff` with a separator. */
export const hex = (bytes: Uint8Array, separator = ""): string => {
  let digits = ""
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i] as number
    digits += `${i === 0 ? "" : separator}${byte < 16 ? "0" : ""}${byte.toString(16)}`
  }
  return digits
}
