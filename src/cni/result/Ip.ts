/**
 * IP addresses and networks as text, strict as Go's parser: no leading zeros, no zones, no short forms. Text is
 * canonical (RFC 5952 for IPv6, lower case), so that equal addresses are equal strings.
 */
import { decodeIp, encodeIp, familyOf, maskBytes } from "../../wire/ip.ts"

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

/** ::ffff:10.1.2.3, which Go takes for the IPv4 address that it holds. */
const isMapped = (bytes: Uint8Array): boolean =>
  bytes.length === 16 && bytes.every((byte, index) => index >= 12 || byte === (index < 10 ? 0 : 0xff))

const fromBytes = (bytes: Uint8Array): Ip => {
  const address = decodeIp(bytes) ?? ""
  return { family: familyOf(address), address }
}

/** An address; IPv4 in IPv6 becomes IPv4. */
export const parseIp = (text: string): Ip | undefined => {
  const bytes = encodeIp(text)
  return bytes && fromBytes(isMapped(bytes) ? bytes.subarray(12) : bytes)
}

/** A number of up to three digits without leading zeros. */
const isDecimal = (text: string): boolean => /^(?:0|[1-9][0-9]{0,2})$/.test(text)

const bitsOf = (family: 4 | 6): number => (family === 4 ? 32 : 128)

/** `10.1.2.3/24`; IPv4 in IPv6 becomes IPv4 where its prefix lies within the IPv4 part. */
export const parseCidr = (text: string): Cidr | undefined => {
  const slash = text.indexOf("/")
  const prefixText = text.slice(slash + 1)
  const bytes = slash < 0 ? undefined : encodeIp(text.slice(0, slash))
  if (bytes === undefined || !isDecimal(prefixText)) {
    return undefined
  }
  const mapped = isMapped(bytes)
  const ip = fromBytes(mapped ? bytes.subarray(12) : bytes)
  const prefix = Number(prefixText) - (mapped ? 96 : 0)
  return prefix < 0 || prefix > bitsOf(ip.family) ? undefined : { ...ip, prefix }
}

export const formatCidr = ({ address, prefix }: Cidr): string => `${address}/${prefix}`

/** The network that the address is in: the same with the host's bits cleared. */
export const networkOf = (cidr: Cidr): Cidr => {
  const bytes = encodeIp(cidr.address)
  return bytes === undefined ? cidr : { ...fromBytes(maskBytes(bytes, cidr.prefix)), prefix: cidr.prefix }
}

/** 0.0.0.0/0 and ::/0. */
export const isDefaultRoute = (dst: Cidr): boolean => dst.prefix === 0 && networkOf(dst).address === dst.address
