/** What the node offers at a moment: the configuration, applied to the links that there are. Pure. */

import { indexBlock } from "../../devices/deviceID.ts"
import type { Resources } from "../../devices/resources.ts"
import type { Link } from "../../link/Link.ts"
import type { Hardware } from "../../services/HardwareService.ts"
import { type Config, defaultCapacity } from "../config/Config.ts"
import { chooseLowerDevice, isFit } from "./lowerDevice.ts"

export interface Offer {
  readonly name: string
  /** Absent while the node has none of the links that are configured. */
  readonly lowerDevice?: string
  /** Whether the lower device exists; its devices are healthy exactly then. */
  readonly present: boolean
  readonly mode: string
  readonly capacity: number
  readonly standalone: boolean
  readonly numaNodes: ReadonlyArray<number>
}

export interface Offers {
  readonly offers: ReadonlyArray<Offer>
  /** Links that are fit, but whose names lead to the ifindexes of another offer (a chance of 1 in 131072 a pair). */
  readonly clashes: ReadonlyArray<{ readonly name: string; readonly with: string }>
}

type HardwareOf = (link: Pick<Link, "name" | "index">) => Hardware

const discover = (links: ReadonlyArray<Link>, hardwareOf: HardwareOf): Offers => {
  const clashes: Array<{ readonly name: string; readonly with: string }> = []
  const owners = new Map<number, string>()
  const offers: Array<Offer> = []
  // By name, not by ifindex: the first of two that clash has to be the same after every boot.
  for (const link of [...links].sort((a, b) => (a.name < b.name ? -1 : 1))) {
    // Asked of sysfs, so only for links that could be fit: a node has hundreds of veths.
    if (link.kind !== undefined && link.kind !== "bond") continue
    const hardware = hardwareOf(link)
    if (!isFit(link, hardware, links)) continue
    const { name } = link
    const owner = owners.get(indexBlock(name))
    if (owner !== undefined) {
      clashes.push({ name, with: owner })
      continue
    }
    owners.set(indexBlock(name), name)
    const { numaNodes } = hardware
    offers.push({
      name,
      lowerDevice: name,
      present: true,
      mode: "bridge",
      capacity: defaultCapacity,
      standalone: false,
      numaNodes
    })
  }
  return { offers, clashes }
}

export const makeOffers = (config: Config, links: ReadonlyArray<Link>, hardwareOf: HardwareOf): Offers => {
  if (config._tag === "Discover") return discover(links, hardwareOf)
  const offers = config.resources.map(({ name, lowerDevice: wanted, mode, capacity, standalone }): Offer => {
    const lowerDevice = chooseLowerDevice(wanted, links)
    const link = links.find((candidate) => candidate.name === lowerDevice)
    return {
      name,
      ...(lowerDevice === undefined ? {} : { lowerDevice }),
      present: link !== undefined,
      mode,
      capacity,
      standalone,
      numaNodes: link === undefined ? [] : hardwareOf(link).numaNodes
    }
  })
  return { offers, clashes: [] }
}

/** What ADD has to know of them. */
export const toResources = (offers: ReadonlyArray<Offer>): Resources =>
  Object.fromEntries(
    offers.map(({ name, lowerDevice, mode, capacity, standalone }) => [
      name,
      { ...(lowerDevice === undefined ? {} : { lowerDevice }), mode, capacity, standalone }
    ])
  )
