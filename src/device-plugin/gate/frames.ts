/** Frames of HTTP/2 (RFC 9113, 4.1): 24 bits of length, 8 of type, 8 of flags, 31 of a stream's number, and a payload. */

export const frameType = { data: 0, headers: 1, reset: 3, continuation: 9 } as const
export const flag = { endStream: 0x1, endHeaders: 0x4, padded: 0x8, priority: 0x20 } as const

const headerLength = 9
/** What a peer may send unless it is told otherwise, which nobody is. */
export const longestPayload = 16_384
/** The client's first words. */
export const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")

export interface FrameHeader {
  readonly length: number
  readonly type: number
  readonly flags: number
  readonly stream: number
}

export interface Frame extends FrameHeader {
  /** With its header. */
  readonly bytes: Buffer
}

export const readHeader = (bytes: Buffer): FrameHeader | undefined =>
  bytes.length < headerLength
    ? undefined
    : {
        length: bytes.readUIntBE(0, 3),
        type: bytes[3] ?? 0,
        flags: bytes[4] ?? 0,
        stream: bytes.readUInt32BE(5) & 0x7fffffff
      }

/** The first frame of the bytes; undefined until it is there whole. */
export const readFrame = (bytes: Buffer): Frame | undefined => {
  const header = readHeader(bytes)
  const end = headerLength + (header?.length ?? 0)
  return header === undefined || bytes.length < end ? undefined : { ...header, bytes: bytes.subarray(0, end) }
}

/** A header block in one frame, without padding and priority. */
export const headersFrame = (stream: number, endStream: boolean, block: Buffer): Buffer => {
  const bytes = Buffer.alloc(headerLength + block.length)
  bytes.writeUIntBE(block.length, 0, 3)
  bytes[3] = frameType.headers
  bytes[4] = flag.endHeaders | (endStream ? flag.endStream : 0)
  bytes.writeUInt32BE(stream, 5)
  block.copy(bytes, headerLength)
  return bytes
}

/** The part of a header block that is in a HEADERS or CONTINUATION frame; undefined where its lengths make no sense. */
export const fragmentOf = ({ type, flags, bytes }: Frame): Buffer | undefined => {
  const payload = bytes.subarray(headerLength)
  if (type === frameType.continuation) return payload
  const padded = (flags & flag.padded) !== 0
  const start = (padded ? 1 : 0) + ((flags & flag.priority) !== 0 ? 5 : 0)
  const end = payload.length - (padded ? (payload[0] ?? 0) : 0)
  return start <= end ? payload.subarray(start, end) : undefined
}

/** Sees the headers of the frames that pass, and keeps nothing of their payloads. */
export const watchHeaders = (see: (header: FrameHeader) => void): ((chunk: Buffer) => void) => {
  let skip = 0
  let rest: Buffer = Buffer.alloc(0)
  return (chunk) => {
    let bytes: Buffer = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    while (true) {
      const skipped = Math.min(skip, bytes.length)
      skip -= skipped
      bytes = bytes.subarray(skipped)
      const header = readHeader(bytes)
      if (header === undefined) break
      see(header)
      skip = headerLength + header.length
    }
    rest = Buffer.from(bytes)
  }
}
