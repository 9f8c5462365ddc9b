/** Up, down, promiscuous, allmulticast. */
import type { LinkSettings } from "../../link/LinkSpec.ts"
import { wentDown, wentUp } from "../network/autoconf.ts"
import { mayOpen } from "./macvlan.ts"
import type { LinkState, Machine } from "./state.ts"

/** `ip link set <link> up` */
const openLink = (machine: Machine, link: LinkState): void => {
  if (link.up) return
  mayOpen(machine, link)
  link.up = true
  wentUp(link)
}

/** `ip link set <link> down` */
export const closeLink = (link: LinkState): void => {
  if (!link.up) return
  link.up = false
  wentDown(link)
}

/** Promiscuous and allmulticast are set even where going up is refused. */
export const setFlags = (machine: Machine, link: LinkState, { up, promisc, allmulti }: LinkSettings): void => {
  link.promisc = promisc ?? link.promisc
  link.allmulti = allmulti ?? link.allmulti
  if (up === true) openLink(machine, link)
  if (up === false) closeLink(link)
}
