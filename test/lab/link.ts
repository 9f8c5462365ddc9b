import type { Link } from "../../src/link/Link.ts"

/** A link as the kernel would describe it, up; hardware unless it has a kind. */
export const plainLink = (name: string, index: number, more: Partial<Link> = {}): Link => ({
  index,
  name,
  mtu: 1500,
  minMtu: 68,
  maxMtu: 65535,
  up: true,
  running: true,
  promisc: false,
  allmulti: false,
  options: {},
  ...more
})
