/** Ethernet addresses as configurations write them: which one a link can have, and the words for the others. */
import { isMulticast, isZero, parseMac } from "../../wire/mac.ts"

/** Bytes of an EUI-64 or InfiniBand address, the other two lengths that Go's net.ParseMAC takes. */
const longLength = (text: string): 8 | 20 | undefined => {
  const form = /^(?:[0-9a-f]{2}(?:([:-])[0-9a-f]{2})(?:\1[0-9a-f]{2})*|[0-9a-f]{4}(?:\.[0-9a-f]{4})+)$/i
  const digits = text.length <= 59 && form.test(text) ? text.replaceAll(/[:.-]/g, "").length : 0
  return digits === 16 ? 8 : digits === 40 ? 20 : undefined
}

/** Why no link can be given this address, in words that follow it; undefined where one can. */
export const macProblem = (text: string): string | undefined => {
  const mac = parseMac(text)
  if (mac === undefined) {
    const bytes = longLength(text)
    return bytes === undefined
      ? "is no MAC address such as 02:03:04:05:06:07"
      : `is an address of ${bytes} bytes; Ethernet's have 6, such as 02:03:04:05:06:07`
  }
  if (isZero(mac)) {
    return "is the zero address, which no link can have"
  }
  return isMulticast(mac)
    ? "is a multicast address, which no link can have: the first byte must be even, such as 02"
    : undefined
}
