/** The registry of link kinds. A new kind is a file beside this one, and a line in the list. */
import type { LinkKind } from "./LinkKind.ts"
import { macvlan } from "./macvlan.ts"
import { macvtap } from "./macvtap.ts"

export const kinds: ReadonlyArray<LinkKind> = [macvtap, macvlan]

/**
 * Kinds of links, ours or not, that take every frame of the link they are on (netdev_rx_handler_register): where one is, no
 * kind of ours can be, and the reverse.
 */
export const takesAllFrames = (kind: string | undefined): boolean =>
  kind !== undefined && ["ipvlan", "ipvtap", "macsec", "hsr"].includes(kind)

/** The kind by its IFLA_INFO_KIND, which is also the `type` of configurations; undefined where we have no table. */
export const kindByName = (name: string): LinkKind | undefined => {
  for (const kind of kinds) {
    if (kind.kind === name) return kind
  }
  return undefined
}
