/**
 * A header block of HTTP/2 with an `:authority`, whatever the client sent: kubelets before 1.26 dial by the socket's path,
 * which Go's gRPC then sends as the authority, or send none, and HTTP/2 libraries refuse such a request (RST_STREAM,
 * PROTOCOL_ERROR). HPACK (RFC 7541) is walked, not decoded. Pure.
 */

/** Which entries of the connection's dynamic table are an authority, the newest first. */
export type Table = ReadonlyArray<boolean>

export interface Block {
  readonly bytes: Buffer
  readonly table: Table
}

/** gRPC sends about ten; a block of one byte a field could stand for megabytes. */
const mostFields = 64
/** A dynamic table of 4096 bytes has no more entries, of 32 bytes at least. */
const mostEntries = 128

/** As short as can be: an entry must not be larger in our table than it is in the client's, or the two would differ. */
const value = Buffer.from([1, 0x78])
/** A literal field that enters no table, with the name of static entry 1, `:authority`. */
const field = Buffer.concat([Buffer.from([0x01]), value])

const names: ReadonlyArray<Buffer> = [
  Buffer.from(":authority"),
  // The same in Huffman's code.
  Buffer.from("b83b5339ec327d7f", "hex")
]

/** undefined: it is no header block, or one of too many fields. `isRequest` is false for trailers, which have none. */
export const withAuthority = (bytes: Buffer, table: Table, isRequest: boolean): Block | undefined => {
  const parts: Array<Buffer> = []
  let entries = table
  let fields = 0
  let found = !isRequest
  /** Behind the changes of the table's size, which stand first. */
  let front = 0
  for (let at = 0; at < bytes.length; ) {
    const next = readField(bytes, at, entries)
    if (next === undefined || ++fields > mostFields) return undefined
    parts.push(next.bytes)
    if (next.kind === "size" && front === parts.length - 1) front = parts.length
    if (next.kind === "authority") found = true
    if (next.entry !== undefined) entries = [next.entry, ...entries].slice(0, mostEntries)
    at = next.end
  }
  if (!found) parts.splice(front, 0, field)
  return { bytes: Buffer.concat(parts), table: entries }
}

interface Field {
  readonly kind: "size" | "authority" | "other"
  /** As it is sent on. */
  readonly bytes: Buffer
  readonly end: number
  /** What the dynamic table gets: whether it is an authority. */
  readonly entry?: boolean
}

/** `1xxxxxxx` is an entry of the tables, `01xxxxxx` a field that enters one, `001xxxxx` a size, `000xxxxx` just a field. */
const readField = (bytes: Buffer, at: number, table: Table): Field | undefined => {
  const first = bytes[at] ?? 0
  const prefix = first >= 0x80 ? 7 : first >= 0x40 ? 6 : first >= 0x20 ? 5 : 4
  const index = readInteger(bytes, at, prefix)
  if (index === undefined) return undefined
  const whole = (kind: Field["kind"], end: number): Field => ({ kind, bytes: bytes.subarray(at, end), end })
  if (prefix === 5) return whole("size", index.end)
  if (prefix === 7) {
    if (index.value === 1) return { kind: "authority", bytes: field, end: index.end }
    return whole(table[index.value - firstDynamic] === true ? "authority" : "other", index.end)
  }
  const name = index.value === 0 ? readText(bytes, index.end) : index
  const text = name && readText(bytes, name.end)
  if (name === undefined || text === undefined) return undefined
  const isAuthority =
    "text" in name
      ? names.some((known) => known.equals(name.text))
      : index.value === 1 || table[index.value - firstDynamic] === true
  return {
    ...(isAuthority
      ? { kind: "authority", bytes: Buffer.concat([bytes.subarray(at, name.end), value]), end: text.end }
      : whole("other", text.end)),
    ...(prefix === 6 ? { entry: isAuthority } : {})
  }
}

/** The static table has 61. */
const firstDynamic = 62

/** RFC 7541, 5.1: in the first byte's lower bits, or seven bits a byte behind it. */
const readInteger = (
  bytes: Buffer,
  at: number,
  prefix: number
): { readonly value: number; readonly end: number } | undefined => {
  const mask = 2 ** prefix - 1
  const small = (bytes[at] ?? 0) & mask
  if (at >= bytes.length) return undefined
  if (small < mask) return { value: small, end: at + 1 }
  let value = mask
  for (let n = 0; n < 4; n++) {
    const byte = bytes[at + 1 + n]
    if (byte === undefined) return undefined
    value += (byte & 0x7f) * 128 ** n
    if (byte < 0x80) return { value, end: at + 2 + n }
  }
  return undefined
}

/** RFC 7541, 5.2: a length, and so many bytes, in Huffman's code or not. */
const readText = (bytes: Buffer, at: number): { readonly text: Buffer; readonly end: number } | undefined => {
  const length = readInteger(bytes, at, 7)
  if (length === undefined || length.end + length.value > bytes.length) return undefined
  const end = length.end + length.value
  return { text: bytes.subarray(length.end, end), end }
}
