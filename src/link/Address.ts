/** An address on a link. */

/** `ip addr add <address>/<prefix> dev <index>`; textual forms are canonical (RFC 5952 for IPv6). */
export interface Address {
  readonly family: 4 | 6
  readonly address: string
  readonly prefix: number
  /** IPv6: duplicate address detection has not finished, or has found a duplicate. */
  readonly tentative?: boolean
  readonly dadFailed?: boolean
}
