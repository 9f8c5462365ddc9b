/** The body of RTM_GETNSID and RTM_NEWNSID: `struct rtgenmsg` and attributes NETNSA_*. */
import { encodeAttributes, payloadsIn } from "../wire/attribute.ts"
import { concat, empty, readS32, u8, u16, u32 } from "../wire/bytes.ts"
import { AF_UNSPEC, NETNSA_FD, NETNSA_NSID } from "./constants.ts"

/** `struct rtgenmsg { unsigned char rtgen_family; };`, padded. */
const RTGENMSG = 4

/** Asks for the number of the namespace behind a descriptor. */
export const encodeNetnsid = (fd: number): Uint8Array =>
  concat([u8(AF_UNSPEC), u8(0), u16(0), encodeAttributes([{ type: NETNSA_FD, payload: u32(fd) }])])

/** The number; -1 where the namespace has none, undefined where the body says nothing of it. */
export const decodeNetnsid = (body: Uint8Array): number | undefined =>
  readS32(payloadsIn(body.subarray(RTGENMSG)).get(NETNSA_NSID) ?? empty)
