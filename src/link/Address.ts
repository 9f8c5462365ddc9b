/** An address on a link. */

/** `ip addr add <address>/<prefix> dev <index>`; textual forms are canonical (RFC 5952 for IPv6). */
export interface Address {
  readonly family: 4 | 6
  readonly address: string
  readonly prefix: number
  /** IPv6: is used at once, without duplicate address detection (IFA_F_NODAD); only asked for, not read back. */
  readonly nodad?: boolean
  /** IPv6: duplicate address detection has not finished, or has found a duplicate. */
  readonly tentative?: boolean
  readonly dadFailed?: boolean
}
