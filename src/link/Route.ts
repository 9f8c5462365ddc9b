/** A way out of a namespace, over a link. */

/** `ip route add <dst>/<prefix> via <gw> dev <index> …`. */
export interface Route {
  readonly family: 4 | 6
  /** Network address, or `0.0.0.0` / `::` with prefix 0 for the default route. */
  readonly dst: string
  readonly prefix: number
  readonly gw?: string
  /** ifindex of the outgoing link (RTA_OIF). Absent: none (unreachable …). */
  readonly dev?: number
  /** Bytes (RTAX_MTU). */
  readonly mtu?: number
  /** Bytes (RTAX_ADVMSS). */
  readonly advmss?: number
  readonly priority?: number
  /** 254, the main table, when left out. */
  readonly table?: number
  /** 0 universe, 253 link, 254 host. */
  readonly scope?: number
  /** Who made it (RTA_PROTOCOL): 2 the kernel, 3 (boot) `ip route add`, which is meant when left out. */
  readonly protocol?: number
}
