/** Whose the link behind a device's node is, as far as this process can look into namespaces: in a container it sees few. */
import * as Effect from "effect/Effect"
import { macvtap } from "../../link/macvtap.ts"
import { NetlinkService } from "../../services/NetlinkService.ts"
import { NetnsService } from "../../services/NetnsService.ts"
import { type Claim, type Holder, ReservationService } from "../../services/ReservationService.ts"
import { TapService } from "../../services/TapService.ts"
import { quote } from "../../wire/foreign.ts"

type Attachment = NonNullable<Claim["attachment"]>

/**
 * Where the link behind a device's node is: "there" where its ADD wrote down that it put it, "elsewhere" where anybody can
 * have made it, with that ifindex and a number that had become free; "unseen" where that namespace cannot be looked into,
 * "unclaimed" where no ADD wrote anything down.
 */
export const seatOf = Effect.fnUntraced(function* (holder: Holder, index: number) {
  const owner = yield* ownerOf(holder)
  if (owner === undefined) return "unclaimed"
  const { netnsPath, netnsID } = owner
  const all = yield* Effect.orElseSucceed((yield* NetnsService).list, () => [])
  for (const path of [netnsPath, ...all]) {
    const isThere = yield* Effect.orElseSucceed(isIn(path, netnsID, index, holder.device), () => undefined)
    if (isThere !== undefined) return isThere ? "there" : "elsewhere"
  }
  // A container sees no namespaces but its own, where it has any.
  return all.length > 1 ? "elsewhere" : "unseen"
})

/** Whose link is behind the node of a device, and whose it should be, in words. */
export const stranger = Effect.fnUntraced(function* (holder: Holder, index: number) {
  const { device, link } = holder
  const place = yield* Effect.orElseSucceed(placeOf(index, device), () => undefined)
  const owner = yield* ownerOf(holder)
  const where = place === undefined ? "a namespace that is not seen from here" : `namespace ${quote(place)}`
  const words = owner === undefined ? "nobody" : inWords(owner)
  return `link ${quote(link)} of ${where} has its number ${device}, which was given to ${words}`
})

const ownerOf = Effect.fnUntraced(function* ({ device }: Holder) {
  const claims = yield* Effect.orElseSucceed((yield* ReservationService).claims(device), () => [])
  return claims.find(({ attachment }) => attachment !== undefined)?.attachment
})

/** Another than the device's link that has its ifindex, in words. */
export const namesake = Effect.fnUntraced(function* (index: number) {
  const place = yield* Effect.orElseSucceed(placeOf(index, undefined), () => undefined)
  return place === undefined ? "" : `. Of its ifindex ${index} is another link, in namespace ${quote(place)}`
})

/** As ADD wrote it down, which no pod can change. */
const inWords = ({ alias, netnsPath }: Attachment): string =>
  `${quote(alias)}, in namespace ${quote(netnsPath)} by what its ADD wrote down`

/** The first namespace that has a macvtap of the ifindex, and of the number where one is asked for. */
const placeOf = Effect.fnUntraced(function* (index: number, number: string | undefined) {
  for (const path of yield* (yield* NetnsService).list) {
    if (yield* Effect.orElseSucceed(isIn(path, undefined, index, number), () => false)) return path
  }
  return undefined
})

/** undefined where the path leads to another namespace by now. */
const isIn = Effect.fnUntraced(function* (
  path: string,
  netnsID: string | undefined,
  index: number,
  number: string | undefined
) {
  const netns = yield* (yield* NetnsService).open(path)
  if (netnsID !== undefined && netns.id !== netnsID) return undefined
  const route = yield* (yield* NetlinkService).connect(netns)
  const link = yield* route.linkGet(index).pipe(Effect.catchTag("LinkNotFound", () => Effect.undefined))
  if (link?.kind !== macvtap.kind) return false
  return number === undefined || (yield* (yield* TapService).deviceNumber(netns, link)) === number
}, Effect.scoped)
