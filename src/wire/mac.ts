/** Ethernet addresses between text and bytes. */
import { hex } from "./bytes.ts"

/** `#define ETH_ALEN 6` */
const ETH_ALEN = 6

const forms = [
  /^([0-9a-f]{2}):([0-9a-f]{2}):([0-9a-f]{2}):([0-9a-f]{2}):([0-9a-f]{2}):([0-9a-f]{2})$/i,
  /^([0-9a-f]{2})-([0-9a-f]{2})-([0-9a-f]{2})-([0-9a-f]{2})-([0-9a-f]{2})-([0-9a-f]{2})$/i,
  /^([0-9a-f]{2})([0-9a-f]{2})\.([0-9a-f]{2})([0-9a-f]{2})\.([0-9a-f]{2})([0-9a-f]{2})$/i
]

/**
 * `02:03:04:05:06:07` for any of the forms that Go's net.ParseMAC takes for six bytes, which configurations were written
 * for: `02-03-04-05-06-07`, `0203.0405.0607`, either case. undefined for anything else.
 */
export const parseMac = (value: string): string | undefined => {
  for (const form of forms) {
    const digits = form.exec(value)
    if (digits) return digits.slice(1).join(":").toLowerCase()
  }
  return undefined
}

/** The six bytes of a canonical address. */
export const encodeMac = (mac: string): Uint8Array => Uint8Array.from(mac.split(":"), (digits) => parseInt(digits, 16))

/** The canonical text; undefined for hardware addresses of other lengths (InfiniBand, tunnels). */
export const decodeMac = (bytes: Uint8Array): string | undefined =>
  bytes.length === ETH_ALEN ? hex(bytes, ":") : undefined

/** Whether the group bit is set; broadcast is the multicast address with all bits set. Takes the canonical form. */
export const isMulticast = (mac: string): boolean => (Number.parseInt(mac.slice(0, 2), 16) & 1) === 1

export const isZero = (mac: string): boolean => mac === "00:00:00:00:00:00"

/** Whether a link can bear it: the kernel's `is_valid_ether_addr`, neither multicast nor zero. */
export const isUnicastMac = (mac: string): boolean => !isMulticast(mac) && !isZero(mac)

/** Without regard to form and case. */
export const sameMac = (a: string, b: string): boolean => (parseMac(a) ?? a) === (parseMac(b) ?? b)
