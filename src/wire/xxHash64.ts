/** xxHash64 with seed 0, as github.com/cespare/xxhash computes it, by https://github.com/Cyan4973/xxHash (doc/xxhash_spec.md). */

const P1 = 0x9e3779b185ebca87n
const P2 = 0xc2b2ae3d27d4eb4fn
const P3 = 0x165667b19e3779f9n
const P4 = 0x85ebca77c2b2ae63n
const P5 = 0x27d4eb2f165667c5n

const u64 = (value: bigint): bigint => BigInt.asUintN(64, value)
const rotate = (value: bigint, bits: bigint): bigint => u64((value << bits) | (value >> (64n - bits)))

const round = (accumulator: bigint, lane: bigint): bigint => u64(rotate(u64(accumulator + lane * P2), 31n) * P1)
const merge = (hash: bigint, accumulator: bigint): bigint => u64((hash ^ round(0n, accumulator)) * P1 + P4)

/** The stripes of 32 bytes, mixed; short input has none. */
const mixStripes = (view: DataView): bigint => {
  if (view.byteLength < 32) {
    return P5
  }
  let [a, b, c, d] = [u64(P1 + P2), P2, 0n, u64(-P1)]
  for (let at = 0; at + 32 <= view.byteLength; at += 32) {
    a = round(a, view.getBigUint64(at, true))
    b = round(b, view.getBigUint64(at + 8, true))
    c = round(c, view.getBigUint64(at + 16, true))
    d = round(d, view.getBigUint64(at + 24, true))
  }
  const mixed = u64(rotate(a, 1n) + rotate(b, 7n) + rotate(c, 12n) + rotate(d, 18n))
  return [a, b, c, d].reduce(merge, mixed)
}

/** What is left after the stripes: by 8, 4 and 1 bytes. */
const mixRest = (view: DataView, start: bigint): bigint => {
  let hash = start
  let at = view.byteLength - (view.byteLength % 32)
  for (; at + 8 <= view.byteLength; at += 8) {
    hash = u64(rotate(hash ^ round(0n, view.getBigUint64(at, true)), 27n) * P1 + P4)
  }
  if (at + 4 <= view.byteLength) {
    hash = u64(rotate(hash ^ u64(BigInt(view.getUint32(at, true)) * P1), 23n) * P2 + P3)
    at += 4
  }
  for (; at < view.byteLength; at++) {
    hash = u64(rotate(hash ^ u64(BigInt(view.getUint8(at)) * P5), 11n) * P1)
  }
  return hash
}

const avalanche = (start: bigint): bigint => {
  let hash = u64((start ^ (start >> 33n)) * P2)
  hash = u64((hash ^ (hash >> 29n)) * P3)
  return hash ^ (hash >> 32n)
}

/** The 64-bit hash of the text's UTF-8 bytes. */
export const xxHash64 = (text: string): bigint => {
  const bytes = new TextEncoder().encode(text)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return avalanche(mixRest(view, u64(mixStripes(view) + BigInt(bytes.length))))
}
