/**
 * A link as the kernel describes it, in words of `ip link`: plain data that the wire format decodes to and that
 * services hand around.
 */

/** What a kind's own attributes (IFLA_INFO_DATA) can hold once decoded. */
export type OptionValue = number | string | boolean | ReadonlyArray<string>

/** A kind's options by the names its table gives them: `{ mode: "bridge", bcqueuelen: 1000 }`. */
export type LinkOptions = Readonly<Record<string, OptionValue>>

/**
 * The link below (IFLA_LINK): `ip link` prints it as `name@parent`. Configuration calls it `master`; the kernel's master
 * is a bridge or bond, hence "parent" here.
 */
export interface Parent {
  readonly index: number
  /**
   * IFLA_LINK_NETNSID: which namespace the parent is in, as this one numbers it (-1: it has no number); absent when it is
   * in the same.
   */
  readonly netnsid?: number
}

export interface Link {
  readonly index: number
  readonly name: string
  /** Lower case, colons: `02:03:04:05:06:07`. Absent for links without an Ethernet-like address. */
  readonly mac?: string
  /** Bytes. */
  readonly mtu: number
  /** Bytes; the device's own limits (IFLA_MIN_MTU, IFLA_MAX_MTU), 0 where it states none. */
  readonly minMtu: number
  readonly maxMtu: number
  readonly up: boolean
  /** IFF_RUNNING: up and with a carrier, so that frames pass. */
  readonly running: boolean
  readonly promisc: boolean
  readonly allmulti: boolean
  /** IFLA_INFO_KIND: `macvtap`, `veth` …; absent for hardware and loopback. */
  readonly kind?: string
  /** IFLA_INFO_DATA, decoded by the kind's table; empty for kinds that have none here. */
  readonly options: LinkOptions
  readonly parent?: Parent
  /** IFLA_MASTER: ifindex of the bridge or bond that this link is a port of. */
  readonly controller?: number
  /** IFLA_IFALIAS, up to 255 bytes of free text. */
  readonly alias?: string
}
