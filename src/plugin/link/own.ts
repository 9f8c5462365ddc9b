/**
 * Which link is this attachment's. Its alias says so; but the kernel ignores IFLA_IFALIAS in the request that creates a
 * link, so that one whose ADD was killed right after has none yet. Its ifindex tells then: it was chosen from a sequence
 * that follows from the container ID and the ifname.
 */
import { encodeAlias, readAlias } from "../../cni/identity/alias.ts"
import { candidates } from "../../cni/identity/ifindex.ts"
import { deviceIndex, parseDeviceID } from "../../devices/deviceID.ts"
import type { Link } from "../../link/Link.ts"
import type { ConfigService } from "../ConfigService.ts"

type Config = ConfigService["Service"]

/** Whether the link that bears the attachment's name is the attachment's. */
export const isOwnLink = (config: Config, link: Link): boolean => {
  if (link.kind !== config.network.kind.kind) return false
  if (readAlias(link.alias) !== undefined) return link.alias === ownAlias(config)
  return link.index === reservedIndex(config) || ownIndexes(config).includes(link.index)
}

/** What ADD writes on the link, and GC and people read: `macvtap-cni:<network>/<container id>/<ifname>`. */
export const ownAlias = ({ network, attachment }: Config): string =>
  encodeAlias({ network: network.name, containerID: attachment.containerID, ifname: attachment.ifname })

/** The ifindex that a device of our device plugin has, whoever holds it. */
const reservedIndex = ({ link }: Config): number | undefined => {
  const device = link.deviceID === undefined ? undefined : parseDeviceID(link.deviceID)
  return device && deviceIndex(device)
}

/** The ifindexes that this attachment's link may get, best first. */
export const ownIndexes = ({ attachment }: Config): ReadonlyArray<number> =>
  candidates(attachment.containerID, attachment.ifname)
