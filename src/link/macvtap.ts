/** macvtap: a macvlan whose traffic goes to a tap device, where a guest is, instead of to the host's own stack. */
import type { LinkKind } from "./LinkKind.ts"
import { macvlan } from "./macvlan.ts"

export const macvtap: LinkKind = {
  ...macvlan,
  kind: "macvtap",
  device: "tap",
  /** The guest joins multicast groups that the link knows nothing of; IPv6 neighbour discovery is one. */
  allmulti: true
}
