/** Arithmetic on the text of IP addresses. */
import { decodeIp, encodeIp, familyOf, maskBytes } from "../../wire/ip.ts"
import { refuse } from "../kernel/Refusal.ts"

const bytesOf = (address: string): Uint8Array => encodeIp(address) ?? refuse("EINVAL")

/** The address in canonical form. */
export const canonical = (address: string): string => decodeIp(bytesOf(address)) ?? refuse("EINVAL")

/** The first `prefix` bits of the address, the rest zero: `10.1.2.0` for (`10.1.2.3`, 24). */
export const networkOf = (address: string, prefix: number): string =>
  decodeIp(maskBytes(bytesOf(address), prefix)) ?? refuse("EINVAL")

/** Whether the address is in the network. */
export const contains = (dst: string, prefix: number, address: string): boolean =>
  familyOf(dst) === familyOf(address) && networkOf(address, prefix) === networkOf(dst, prefix)

/** `fe80::/10` */
export const isLinkLocal = (address: string): boolean => familyOf(address) === 6 && contains("fe80::", 10, address)

/** `ff00::/8` */
export const isMulticast6 = (address: string): boolean => familyOf(address) === 6 && contains("ff00::", 8, address)

/** The link-local address that a link makes of its MAC (RFC 4291, appendix A: modified EUI-64). */
export const linkLocalOf = (mac: string): string => {
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = mac.split(":").map((digits) => parseInt(digits, 16))
  const bytes = Uint8Array.of(0xfe, 0x80, 0, 0, 0, 0, 0, 0, a ^ 2, b, c, 0xff, 0xfe, d, e, f)
  return decodeIp(bytes) ?? refuse("EINVAL")
}
