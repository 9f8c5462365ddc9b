/**
 * Whose a link is, written on the link itself (IFLA_IFALIAS) since the plugin keeps no state of its own:
 * `macvtap-cni:<network>/<containerID>/<ifname>`. None of the parts can hold a `/`.
 */

import { escapeText } from "../../wire/foreign.ts"
import { xxHash64 } from "../../wire/xxHash64.ts"
import type { AttachmentKey } from "../config/attachments.ts"
import { isIdentifier, linkNameProblem } from "./names.ts"

export interface LinkOwner extends AttachmentKey {
  readonly network: string
}

const prefix = "macvtap-cni:"

/** Bytes. With the prefix, both slashes and 15 bytes of ifname: 252, where the kernel takes 255. */
const longestNetwork = 95
const longestContainerID = 128

/** Neither part can hold a `~` itself. Always the same for one text, so that abbreviated forms can be compared. */
const abbreviate = (part: string, longest: number): string =>
  part.length <= longest ? part : `${part.slice(0, longest - 17)}~${xxHash64(part).toString(16).padStart(16, "0")}`

/** The parts as they stand in an alias. Network and container ID are ASCII, so that characters are bytes. */
const abbreviated = ({ network, containerID, ifname }: LinkOwner): LinkOwner => ({
  network: abbreviate(network, longestNetwork),
  containerID: abbreviate(containerID, longestContainerID),
  ifname
})

/** The alias of an attachment's link, at most 255 bytes. */
export const encodeAlias = (owner: LinkOwner): string => {
  const { network, containerID, ifname } = abbreviated(owner)
  return `${prefix}${network}/${containerID}/${ifname}`
}

/** The parts of an alias of ours, long ones abbreviated; undefined for any other text. */
export const readAlias = (alias: string | undefined): LinkOwner | undefined => {
  const parts = alias?.startsWith(prefix) ? alias.slice(prefix.length).split("/") : []
  const [network, containerID, ifname] = parts
  return parts.length === 3 && network && containerID && ifname ? { network, containerID, ifname } : undefined
}

/** Whether it is the alias of a link of the network, whatever the attachment. */
export const isOfNetwork = (alias: string | undefined, network: string): boolean =>
  readAlias(alias)?.network === abbreviate(network, longestNetwork)

/**
 * Whose a link is by its alias, in words: `attachment net1 of container c1 in network pods`; undefined where it is not
 * ours, or holds what no network and no container is called: whoever has a link can write there what he likes.
 */
export const describeAlias = (alias: string | undefined): string | undefined => {
  const owner = readAlias(alias)
  if (owner === undefined) return undefined
  const { network, containerID, ifname } = owner
  const isName = [network, containerID].every((part) => isIdentifier(part.replace("~", ""))) && isLinkName(ifname)
  return isName ? `attachment ${ifname} of container ${containerID} in network ${network}` : undefined
}

const isLinkName = (text: string): boolean => linkNameProblem(text) === undefined && escapeText(text) === text
