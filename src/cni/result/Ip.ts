/**
 * IP addresses and networks as text, strict as Go's parser: no leading zeros, no zones, no short forms. Text is
 * canonical (RFC 5952 for IPv6, lower case), so that equal addresses are equal strings.
 */
import { isDecimal, parseIpv4 } from "./ipv4.ts"
import { formatIpv6, parseIpv6 } from "./ipv6.ts"

export interface Ip {
  readonly family: 4 | 6
  /** Canonical. */
  readonly address: string
}

/** An address within a network: the host's bits are kept. */
export interface Cidr extends Ip {
  /** Bits. */
  readonly prefix: number
}

/** 4 or 16 bytes. */
const parseBytes = (text: string): ReadonlyArray<number> | undefined =>
  text.includes(":") ? parseIpv6(text) : parseIpv4(text)

/** ::ffff:10.1.2.3, which Go takes for the IPv4 address that it holds. */
const isMapped = (bytes: ReadonlyArray<number>): boolean =>
  bytes.length === 16 && bytes.every((byte, index) => index >= 12 || byte === (index < 10 ? 0 : 0xff))

const fromBytes = (bytes: ReadonlyArray<number>): Ip =>
  bytes.length === 4 ? { family: 4, address: bytes.join(".") } : { family: 6, address: formatIpv6(bytes) }

/** An address; IPv4 in IPv6 becomes IPv4. */
export const parseIp = (text: string): Ip | undefined => {
  const bytes = parseBytes(text)
  return bytes && fromBytes(isMapped(bytes) ? bytes.slice(12) : bytes)
}

const bitsOf = (family: 4 | 6): number => (family === 4 ? 32 : 128)

/** `10.1.2.3/24`; IPv4 in IPv6 becomes IPv4 where its prefix lies within the IPv4 part. */
export const parseCidr = (text: string): Cidr | undefined => {
  const slash = text.indexOf("/")
  const prefixText = text.slice(slash + 1)
  const bytes = slash < 0 ? undefined : parseBytes(text.slice(0, slash))
  if (bytes === undefined || !isDecimal(prefixText)) {
    return undefined
  }
  const mapped = isMapped(bytes)
  const ip = fromBytes(mapped ? bytes.slice(12) : bytes)
  const prefix = Number(prefixText) - (mapped ? 96 : 0)
  return prefix < 0 || prefix > bitsOf(ip.family) ? undefined : { ...ip, prefix }
}

export const formatCidr = ({ address, prefix }: Cidr): string => `${address}/${prefix}`

/** The network that the address is in: the same with the host's bits cleared. */
export const networkOf = (cidr: Cidr): Cidr => {
  const masked = (parseBytes(cidr.address) ?? []).map((byte, index) => {
    const bits = Math.min(8, Math.max(0, cidr.prefix - index * 8))
    return byte & (0xff << (8 - bits))
  })
  return { ...fromBytes(masked), prefix: cidr.prefix }
}

/** 0.0.0.0/0 and ::/0. */
export const isDefaultRoute = (dst: Cidr): boolean => dst.prefix === 0 && networkOf(dst).address === dst.address

/** Of an address or network in canonical text. */
export const familyOf = (text: string): 4 | 6 => (text.includes(":") ? 6 : 4)
