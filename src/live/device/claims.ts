/**
 * Who may open which number. Of a device it is its node that tells; of any other attachment a symbolic link in a folder
 * that, as the numbers, is gone after a reboot: `246:1` → `4:4026532281 macvtap-cni:lan/c1/net1 /run/netns/c1`.
 */
import { constants, linkSync, readdirSync, readlinkSync, renameSync, rmSync, symlinkSync } from "node:fs"
import { parseDeviceID } from "../../devices/deviceID.ts"
import type { Claim } from "../../services/ReservationService.ts"
import { absent, errnoOf } from "../system/errno.ts"
import { type Root, throughDescriptor } from "../system/root.ts"
import { isBehind, numberAt } from "./holder.ts"
import { besideOf, makeFolder } from "./node.ts"

export const defaultClaimFolder = "/run/macvtap-cni/taps"

type Attachment = NonNullable<Claim["attachment"]>

const list = (root: Root, folder: string): ReadonlyArray<string> =>
  absent(() => root.at(folder, (path) => readdirSync(path))) ?? []

const claimOf = (number: string, claimant: Pick<Claim, "deviceID" | "attachment">): Claim => ({
  number,
  ...claimant,
  isLinked: () => isBehind(number)
})

/** By the nodes of devices: one for each that a pod has, all of which are looked at. */
export const deviceClaims = (root: Root, folder: string, wanted: string | undefined): ReadonlyArray<Claim> => {
  const fd = root.find(folder, constants.O_RDONLY | constants.O_DIRECTORY)
  if (fd === undefined) return []
  return throughDescriptor(fd, (inside) =>
    readdirSync(inside).map((deviceID) => ({ deviceID, number: numberAt(`${inside}/${deviceID}`) }))
  ).flatMap(({ deviceID, number }) =>
    number === undefined || (wanted !== undefined && number !== wanted) || parseDeviceID(deviceID) === undefined
      ? []
      : [claimOf(number, { deviceID })]
  )
}

/** By the links of that folder. */
export const attachmentClaims = (root: Root, folder: string, wanted: string | undefined): ReadonlyArray<Claim> =>
  (wanted === undefined ? list(root, folder) : [wanted]).flatMap((number) => {
    const attachment = readClaim(root, folder, number)
    return attachment === undefined ? [] : [claimOf(number, { attachment })]
  })

const readClaim = (root: Root, folder: string, number: string): Attachment | undefined => {
  if (!/^\d+:\d+$/.test(number)) return undefined
  return parseClaim(absent(() => root.at(`${folder}/${number}`, (path) => readlinkSync(path))) ?? "")
}

const parseClaim = (text: string): Attachment | undefined => {
  const [, netnsID = "", alias = "", netnsPath = ""] = /^(\S+) (\S+) (.*)$/s.exec(text) ?? []
  return alias === "" ? undefined : { alias, netnsID, netnsPath }
}

const same = (one: Attachment | undefined, other: Attachment | undefined): boolean =>
  one?.alias === other?.alias && one?.netnsID === other?.netnsID

/**
 * Takes away the claim that was found, and no other: of two who find the same one takes it away, and the other meets what the
 * first has put in its place. What is taken by mistake goes back, unless there is another by now.
 */
const takeAway = (path: string, found: Attachment | undefined): void => {
  const aside = besideOf(path)
  if (absent(() => renameSync(path, aside) ?? true) === undefined) return
  try {
    if (!same(parseClaim(readlinkSync(aside)), found)) linkSync(aside, path)
  } catch (error) {
    if (errnoOf(error) !== "EEXIST") throw error
  } finally {
    rmSync(aside, { force: true })
  }
}

/** As the service's `claim`. One's own claim, left over from a call that was killed, is written anew. */
export const claim = (
  root: Root,
  folder: string,
  number: string,
  attachment: Attachment,
  over: Claim | undefined
): Claim | undefined => {
  const { alias, netnsID, netnsPath } = attachment
  const target = `${netnsID} ${alias} ${netnsPath}`
  const make = (): Claim | undefined => {
    try {
      root.at(`${folder}/${number}`, (path) => symlinkSync(target, path))
      return undefined
    } catch (error) {
      if (errnoOf(error) !== "EEXIST") throw error
    }
    const found = readClaim(root, folder, number)
    if (found !== undefined && found.alias !== alias && !same(found, over?.attachment)) {
      return claimOf(number, { attachment: found })
    }
    root.at(`${folder}/${number}`, (path) => takeAway(path, found))
    return make()
  }
  try {
    return make()
  } catch (error) {
    if (errnoOf(error) !== "ENOENT") throw error
    makeFolder(root, folder)
    return make()
  }
}

/** As the service's `unclaim`. */
export const unclaim = (
  root: Root,
  folder: string,
  isOver: (alias: string) => boolean,
  number: string | undefined
): void => {
  const forget = (one: string): boolean => {
    const found = readClaim(root, folder, one)
    if (found === undefined || !isOver(found.alias)) return false
    root.at(`${folder}/${one}`, (path) => rmSync(path, { force: true }))
    return true
  }
  if (number !== undefined && forget(number)) return
  for (const one of list(root, folder)) forget(one)
}
