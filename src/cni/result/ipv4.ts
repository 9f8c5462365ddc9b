/** IPv4 addresses between text and bytes: four decimal parts, none with a leading zero. */

/** A number of up to three digits without leading zeros: a part of an address, or a prefix. */
export const isDecimal = (text: string): boolean => /^(?:0|[1-9][0-9]{0,2})$/.test(text)

/** The four bytes of `10.1.2.3`. */
export const parseIpv4 = (text: string): ReadonlyArray<number> | undefined => {
  const parts = text.length > 15 ? [] : text.split(".")
  const bytes = parts.map((part) => (isDecimal(part) ? Number(part) : 256))
  return bytes.length === 4 && bytes.every((byte) => byte < 256) ? bytes : undefined
}
