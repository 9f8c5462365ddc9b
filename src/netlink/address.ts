/** The body of RTM_NEWADDR: `struct ifaddrmsg` and attributes IFA_*. */
import type { Address } from "../link/Address.ts"
import { encodeAttributes, payloadsIn } from "../wire/attribute.ts"
import { concat, empty, readU8, readU32, u8, u32 } from "../wire/bytes.ts"
import { decodeIp, encodeIp } from "../wire/ip.ts"
import {
  AF_INET,
  AF_INET6,
  AF_UNSPEC,
  IFA_ADDRESS,
  IFA_BROADCAST,
  IFA_F_DADFAILED,
  IFA_F_NODAD,
  IFA_F_OPTIMISTIC,
  IFA_F_TENTATIVE,
  IFA_FLAGS,
  IFA_LOCAL,
  RT_SCOPE_HOST,
  RT_SCOPE_UNIVERSE
} from "./constants.ts"

/** An address and the ifindex of the link that has it. */
export interface LinkAddress extends Address {
  readonly index: number
}

/** `sizeof(struct ifaddrmsg)` */
const IFADDRMSG = 8

/** `struct ifaddrmsg { __u8 ifa_family, ifa_prefixlen, ifa_flags, ifa_scope; __u32 ifa_index; };` */
const header = (family: number, prefix: number, flags: number, scope: number, index: number): Uint8Array =>
  concat([u8(family), u8(prefix), u8(flags), u8(scope), u32(index)])

/** All host bits set; from /31 on there is no broadcast address (RFC 3021). */
const broadcast = (address: Uint8Array, prefix: number): Uint8Array | undefined =>
  address.length === 4 && prefix < 31
    ? address.map((byte, i) => byte | (0xff >> Math.min(8, Math.max(0, prefix - 8 * i))))
    : undefined

/** `ip addr add <address>/<prefix> [brd +] dev <index>`; IPv4's loopback network is of scope host, as `ip` has it. */
export const encodeAddress = (index: number, { address, family, nodad, prefix }: Address): Uint8Array => {
  const payload = encodeIp(address) ?? empty
  const all = broadcast(payload, prefix)
  const scope = family === 4 && payload[0] === 127 ? RT_SCOPE_HOST : RT_SCOPE_UNIVERSE
  return concat([
    header(family === 4 ? AF_INET : AF_INET6, prefix, nodad === true ? IFA_F_NODAD : 0, scope, index),
    encodeAttributes([
      { type: IFA_LOCAL, payload },
      { type: IFA_ADDRESS, payload },
      ...(all === undefined ? [] : [{ type: IFA_BROADCAST, payload: all }])
    ])
  ])
}

/** Asks for the addresses of one link, of both families. */
export const encodeAddressFilter = (index: number): Uint8Array => header(AF_UNSPEC, 0, 0, 0, index)

/** `ip addr del <address>/<prefix> dev <index>` */
export const encodeAddressRemoval = (index: number, { address, family, prefix }: Address): Uint8Array =>
  concat([
    header(family === 4 ? AF_INET : AF_INET6, prefix, 0, 0, index),
    encodeAttributes([IFA_LOCAL, IFA_ADDRESS].map((type) => ({ type, payload: encodeIp(address) ?? empty })))
  ])

/**
 * The address that an RTM_NEWADDR describes; undefined for a body that is none, or of another family. With a peer,
 * IFA_LOCAL is this side's address; IPv6 has it only then.
 */
export const decodeAddress = (body: Uint8Array): LinkAddress | undefined => {
  if (body.length < IFADDRMSG) return undefined
  const family = ({ [AF_INET]: 4, [AF_INET6]: 6 } as const)[body[0] ?? 0]
  const attributes = payloadsIn(body.subarray(IFADDRMSG))
  const local = attributes.get(IFA_LOCAL) ?? attributes.get(IFA_ADDRESS)
  const address = local && decodeIp(local)
  if (family === undefined || address === undefined || local?.length !== (family === 4 ? 4 : 16)) return undefined
  const flags = readU32(attributes.get(IFA_FLAGS) ?? empty) ?? readU8(body, 2) ?? 0
  return {
    family,
    address,
    prefix: readU8(body, 1) ?? 0,
    index: readU32(body, 4) ?? 0,
    ...(flags & (IFA_F_TENTATIVE | IFA_F_OPTIMISTIC) ? { tentative: true } : {}),
    ...(flags & IFA_F_DADFAILED ? { dadFailed: true } : {})
  }
}
