/** Which link is behind a node. */
import { lstatSync, readlinkSync } from "node:fs"
import type { Holder } from "../../services/ReservationService.ts"
import { absent, errnoOf } from "../system/errno.ts"
import type { Root } from "../system/root.ts"
import { deviceOf, noDevice } from "./deviceNumber.ts"

/** The number of the character device at a path of node:fs; undefined where there is nothing, or no such folder. */
export const numberAt = (path: string): string | undefined => {
  const stats = absent(() => lstatSync(path, { throwIfNoEntry: false }))
  const number = stats === undefined ? noDevice : deviceOf(stats)
  return number === noDevice ? undefined : number
}

/**
 * What the kernel shows behind a number, in every namespace: a device named after the link and its ifindex,
 * `/sys/dev/char/246:1` → `../../devices/virtual/net/net1/macvtap/tap600000001`; undefined where nobody has it.
 */
const behind = (number: string): string | undefined => absent(() => readlinkSync(`/sys/dev/char/${number}`))

/** Whether anybody has the number; where the kernel does not say, somebody may. */
export const isBehind = (number: string): boolean => {
  try {
    return behind(number) !== undefined
  } catch (error) {
    if (errnoOf(error) === undefined) throw error
    return true
  }
}

/** The link of ifindex `index` that a node leads to. A number that belongs to nobody, or to another link, is no holder. */
export const holderOf = (root: Root, node: string, index: number): Holder | undefined => {
  const device = absent(() => root.at(node, numberAt))
  if (device === undefined) return undefined
  const [, link, tap] = /\/net\/([^/]+)\/[^/]+\/([^/]+)$/.exec(behind(device) ?? "") ?? []
  return link !== undefined && tap === `tap${index}` ? { path: node, device, link } : undefined
}
