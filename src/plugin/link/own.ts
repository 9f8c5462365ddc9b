/**
 * Which link is this attachment's. Its ifindex and its name say so, which follow from the container ID and the ifname;
 * for a link that has another ifindex (one that was imported, or found the usual ones taken) it is the alias, which
 * whoever is root in the container can change. A link without an
 * alias, as the plugins make them that this one takes the place of, is the attachment's where it has the MAC address of
 * ADD's result, if the runtime hands that back.
 */
import type { LinkConf } from "../../cni/config/LinkConf.ts"
import { encodeAlias, readAlias } from "../../cni/identity/alias.ts"
import { allCandidates, candidates } from "../../cni/identity/ifindex.ts"
import { deviceIndex, parseDeviceID } from "../../devices/deviceID.ts"
import type { Link } from "../../link/Link.ts"
import { sameMac } from "../../wire/mac.ts"
import type { ConfigService } from "../ConfigService.ts"

type Config = ConfigService["Service"]

/** Whether the link that bears the attachment's name is the attachment's. */
export const isOwnLink = (config: Config, link: Link): boolean => {
  if (link.kind !== config.network.kind.kind) return false
  const { containerID, ifname } = config.attachment
  // Another network made it for this very container and name: this one's ADD found the name taken.
  const of = readAlias(link.alias)
  if (of !== undefined && encodeAlias({ ...of, network: config.network.name }) === ownAlias(config)) {
    return link.alias === ownAlias(config)
  }
  return (
    link.index === reservedIndex(config.link) ||
    candidates(containerID, ifname).includes(link.index) ||
    link.alias === ownAlias(config) ||
    (link.alias === undefined && hasResultMac(config, link))
  )
}

/** As ADD's result says, where there is one that says it. */
const hasResultMac = ({ prevResult, attachment }: Config, { mac }: Link): boolean => {
  const entry = prevResult?.interfaces.findLast(
    ({ name, sandbox }) => name === attachment.ifname && sandbox !== undefined
  )
  return entry?.mac === undefined || mac === undefined || sameMac(entry.mac, mac)
}

/** What ADD writes on the link, and GC and people read: `macvtap-cni:<network>/<container id>/<ifname>`. */
export const ownAlias = ({ network, attachment }: Config): string =>
  encodeAlias({ network: network.name, containerID: attachment.containerID, ifname: attachment.ifname })

/** The ifindex that a device of our device plugin has, whoever holds it. */
export const reservedIndex = (link: LinkConf): number | undefined => {
  const device = link.deviceID === undefined ? undefined : parseDeviceID(link.deviceID)
  return device && deviceIndex(device)
}

/** The ifindexes that this attachment's link may get, best first. */
export const ownIndexes = ({ attachment }: Config): Iterable<number> =>
  allCandidates(attachment.containerID, attachment.ifname)
