/** Which of the node's links a resource is on: the first that its configuration names, or all that are fit for one. */

import { isResourceName } from "../../devices/deviceID.ts"
import type { Link } from "../../link/Link.ts"
import type { Hardware } from "../../services/HardwareService.ts"

const literal = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&")

/** `*`, `?` and `[a-z]`, `[!a-z]` as a shell has them; a bracket that does not close is itself. */
export const matchesPattern = (pattern: string, name: string): boolean => {
  const source = pattern.replace(/\*|\?|\[(!?)([^\]]+)\]|[^*?[]+|\[/g, (part, not: string, set: string | undefined) => {
    if (part === "*") return ".*"
    if (part === "?") return "."
    return set === undefined ? literal(part) : `[${not === "!" ? "^" : ""}${set.replace(/[\\[\]^]/g, "\\$&")}]`
  })
  try {
    return new RegExp(`^${source}$`, "s").test(name)
  } catch {
    return false
  }
}

const isPattern = (text: string): boolean => /[*?[]/.test(text)

const byName = new Intl.Collator("en", { numeric: true }).compare

/** Links that nobody can mean by a pattern such as `*`: the loopback, and what plugins such as ours have made. */
const isForPatterns = ({ kind, name }: Link): boolean => name !== "lo" && kind !== "macvtap" && kind !== "macvlan"

/**
 * The first that the node has, in the configuration's order, and within a pattern in the order of names (`eth2` before
 * `eth10`). A single name is taken as it is, so that messages can say what is missing.
 */
export const chooseLowerDevice = (wanted: ReadonlyArray<string>, links: ReadonlyArray<Link>): string | undefined => {
  const [only] = wanted
  if (wanted.length === 1 && only !== undefined && !isPattern(only)) return only
  for (const candidate of wanted) {
    const fitting = isPattern(candidate)
      ? links.filter((link) => isForPatterns(link) && matchesPattern(candidate, link.name))
      : links.filter(({ name }) => name === candidate)
    const [first] = fitting.map(({ name }) => name).sort(byName)
    if (first !== undefined) return first
  }
  return undefined
}

/** Kinds of which a port cannot carry a macvtap: the kernel refuses with EBUSY, since the port's frames are taken. */
const portKinds: ReadonlySet<string> = new Set(["bridge", "bond", "team", "openvswitch", "ovs-system"])

/**
 * Links that get a resource of their own where the configuration is an empty array: physical ones and bonds. That is,
 * links without a kind that have a device of the machine and carry Ethernet (so not loopback, teql, dummies, tunnels,
 * veths, InfiniBand), but not Wi-Fi, whose access points drop the frames of other MAC addresses, and not the ports of a
 * bond or bridge, which no macvtap can be on, and not Thunderbolt, a cable to one other computer.
 */
export const isFit = (link: Link, hardware: Hardware, links: ReadonlyArray<Link>): boolean => {
  const controller = links.find(({ index }) => index === link.controller)
  if (controller !== undefined && portKinds.has(controller.kind ?? controller.name)) return false
  if (!isResourceName(link.name)) return false
  if (link.kind === "bond") return true
  return (
    link.kind === undefined &&
    hardware.physical &&
    hardware.ethernet &&
    !hardware.wireless &&
    hardware.bus !== "thunderbolt"
  )
}
