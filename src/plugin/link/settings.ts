/** What a network's configuration asks of its link. */
import type { LinkSettings } from "../../link/LinkSpec.ts"
import { ConfigService } from "../ConfigService.ts"
import { ownAlias } from "./own.ts"

/**
 * What the configuration says of the link, made or imported. With IPAM it stays down until its addresses are on it: the
 * kernel announces them (gratuitous ARP, unsolicited NA) when a link goes up.
 */
export const configuredSettings = ConfigService.useSync((config) => {
  const { network, attachment, link } = config
  return {
    name: attachment.ifname,
    alias: ownAlias(config),
    ...(network.ipam === undefined ? { up: true } : {}),
    ...(link.mac === undefined ? {} : { mac: link.mac }),
    ...(link.mtu ? { mtu: link.mtu } : {}),
    ...(link.allmulti ? { allmulti: true } : {}),
    ...(link.promisc ? { promisc: true } : {}),
    options: link.options
  } satisfies LinkSettings
})
