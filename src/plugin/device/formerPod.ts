/** A device whose former pod has not ended yet: the kubelet gives it to the next one before the last link is gone. */
import * as Effect from "effect/Effect"
import { CniError, codes } from "../../cni/call/CniError.ts"
import { macvtap } from "../../link/macvtap.ts"
import { NetlinkService } from "../../services/NetlinkService.ts"
import { NetnsService } from "../../services/NetnsService.ts"
import { type Holder, type Reservation, ReservationService } from "../../services/ReservationService.ts"
import { TapService } from "../../services/TapService.ts"
import { isOn } from "../link/parent.ts"
import { type Place, placeAt } from "../link/place.ts"

/** Milliseconds that a former pod's link is waited for. */
const patience = 3000

/** Waits until no former pod's link is behind the device's node; a link of anybody else's is none of its business. */
export const awaitFormerPod = Effect.fnUntraced(function* (host: Place, device: Reservation, lower: number) {
  const reservations = yield* ReservationService
  const holder = yield* reservations.holder(device)
  if (holder === undefined || !(yield* isFormerPods(host, device, holder, lower))) return
  const gone = Effect.gen(function* () {
    // The lower device hears of a link that leaves it, wherever that is. Listened first, looked at afterwards.
    const next = yield* (yield* NetlinkService).changes(host.netns)
    while ((yield* reservations.holder(device)) !== undefined) {
      yield* next
      // It is heard in the middle of the work; an answer comes when all of it is done.
      yield* Effect.catchTag(host.route.linkGet(lower), "LinkNotFound", () => Effect.void)
    }
  })
  yield* Effect.timeoutOrElse(Effect.scoped(gone), {
    duration: patience,
    orElse: () => Effect.fail(stillHeld(device))
  })
})

/**
 * Whether the holder is where the device's former attachment was, on its lower device. Whoever is root in some namespace
 * can make a link of any ifindex, with the number that a former pod had, and even, on one that it was given, on that
 * lower device.
 */
const isFormerPods = Effect.fnUntraced(function* (host: Place, { index }: Reservation, holder: Holder, lower: number) {
  const { deviceNumber } = yield* TapService
  const { claims } = yield* ReservationService
  const claimed = new Set((yield* claims(holder.device)).map(({ attachment }) => attachment?.netnsID))
  for (const path of yield* (yield* NetnsService).list) {
    const found = yield* Effect.gen(function* () {
      const place = yield* placeAt(path)
      if (!claimed.has(place.netns.id)) return false
      const link = yield* place.route.linkGet(index)
      if (link.kind !== macvtap.kind || !(yield* isOn(place, link, host, lower))) return false
      return (yield* deviceNumber(place.netns, link)) === holder.device
    }).pipe(
      Effect.scoped,
      // Gone meanwhile, or without such a link.
      Effect.catch(() => Effect.succeed(false))
    )
    if (found) return true
  }
  return false
})

const stillHeld = (device: Reservation) =>
  new CniError({
    code: codes.tryAgainLater,
    msg: `device "${device.deviceID}" is still held by its former pod`,
    details:
      `a link with ifindex ${device.index} exists until that pod's network namespace is gone, ` +
      `which it was not within ${patience / 1000} s; try again`
  })
