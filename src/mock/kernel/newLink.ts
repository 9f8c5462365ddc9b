/** A link as it begins: down, quiet, without addresses. */
import type { LinkState } from "./state.ts"

type Given = Pick<LinkState, "index" | "name" | "netns" | "mac"> & Partial<LinkState>

/** An Ethernet link of 1500 bytes where nothing else is given. It is not yet in its namespace's table. */
export const newLink = (given: Given): LinkState => ({
  loopback: false,
  mtu: 1500,
  minMtu: 68,
  maxMtu: 65535,
  up: false,
  promisc: false,
  allmulti: false,
  alias: "",
  options: {},
  cable: true,
  ipv6: false,
  ipv6Started: false,
  addresses: [],
  sysctls: new Map(),
  ...given
})
