/** A hash of text for numbers that have to follow from names: the same on every machine, and in every later version. */

/**
 * 32-bit FNV-1a of the text's UTF-8 bytes, mixed by MurmurHash3's finalizer, without which texts that differ in their
 * last character get neighbouring numbers. Another seed is another hash. In [0, 2^32).
 */
export const hash32 = (text: string, seed = 0x811c9dc5): number => {
  const bytes = new TextEncoder().encode(text)
  let hash = seed
  for (let i = 0; i < bytes.length; i++) hash = Math.imul(hash ^ (bytes[i] ?? 0), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
