/** The host's links that macvtaps are to be made on: those that resources and configurations name. */
import { join } from "node:path"
import type { Resources } from "../../../devices/resources.ts"
import type { Link } from "../../../link/Link.ts"
import { statFile } from "../../node/files.ts"
import type { Inventory } from "../../node/inventory.ts"
import type { Network } from "../configurations.ts"
import { type Finding, fine, note, wrong } from "../Finding.ts"

/** Whom a lower device is for, in words. */
interface Wanted {
  readonly name: string
  readonly by: string
}

export const lowerDevices = (
  inventory: Inventory,
  resources: Resources,
  networks: ReadonlyArray<Network>,
  root: string
): ReadonlyArray<Finding> => {
  const absent = Object.entries(resources)
    .filter(([, { lowerDevice }]) => lowerDevice === undefined)
    .map(([resource]) =>
      note(
        "lower device",
        `this node has none of those that resource "${resource}" may use; its devices are unhealthy here`
      )
    )
  const wanted = new Map<string, Array<string>>()
  for (const { name, by } of wantedBy(resources, networks)) wanted.set(name, [...(wanted.get(name) ?? []), by])
  const present = [...wanted].map(([name, by]) => {
    const link = inventory.host.find((candidate) => candidate.name === name)
    return link === undefined
      ? wrong(
          `lower device ${name}`,
          `there is no such link (${by.join(", ")})`,
          `make it, or name one that "ip link" shows`
        )
      : examine(link, by.join(", "), inventory, root)
  })
  const findings = [...absent, ...present]
  return findings.length > 0
    ? findings
    : [note("lower device", "nothing on this node names one; a macvlan without a master uses the default route's link")]
}

const wantedBy = (resources: Resources, networks: ReadonlyArray<Network>): ReadonlyArray<Wanted> => [
  ...Object.entries(resources).flatMap(([resource, { lowerDevice }]) =>
    lowerDevice === undefined ? [] : [{ name: lowerDevice, by: `resource "${resource}"` }]
  ),
  ...networks.flatMap(({ name, master }) => (master === undefined ? [] : [{ name: master, by: `network "${name}"` }]))
]

const examine = (link: Link, by: string, inventory: Inventory, root: string): Finding => {
  const check = `lower device ${link.name}`
  const found = obstacle(link, inventory.host, root)
  if (found !== undefined) return wrong(check, `${found[0]} (${by})`, found[1])
  if (!link.running) return note(check, `it is up, but has no carrier (${by})`, "look at its cable, or the other end")
  const on = inventory.links.filter(({ parent }) => parent === link.name).length
  return fine(check, `up, MTU ${link.mtu}, ${on === 1 ? "1 link" : `${on} links`} on it (${by})`)
}

/** What is in the way of macvtaps on a link that exists. */
const obstacle = (
  link: Link,
  host: ReadonlyArray<Link>,
  root: string
): readonly [says: string, todo: string] | undefined => {
  const controller = host.find(({ index }) => index === link.controller)
  if (link.controller !== undefined) {
    const name = controller?.name ?? `the link with ifindex ${link.controller}`
    return [
      `it is a port of ${name}, and takes no macvtaps (EBUSY)`,
      `use ${name} as the lower device, or take ${link.name} out of it`
    ]
  }
  const ipvlan = host.find(
    ({ kind, parent }) => (kind === "ipvlan" || kind === "ipvtap") && parent?.index === link.index
  )
  if (ipvlan !== undefined) {
    return [
      `${ipvlan.name} on it is an ipvlan, beside which there can be no macvtaps (EBUSY)`,
      `remove ${ipvlan.name}, or use another link`
    ]
  }
  if (link.name === "lo") return ["it is the loopback link, which takes no macvtaps", "name another link"]
  if (isWireless(root, link.name)) {
    return ["it is wireless: the access point drops frames from addresses other than its own", "use a wired link"]
  }
  return link.up ? undefined : ["it is down, so that no frame passes", `ip link set ${link.name} up`]
}

const isWireless = (root: string, name: string): boolean =>
  ["wireless", "phy80211"].some((entry) => statFile(join(root, "sys/class/net", name, entry)) !== undefined)
