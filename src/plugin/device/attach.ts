/**
 * A network with a `deviceID`: a device that our device plugin reserved is made now, at the ifindex and with the node that
 * Allocate promised to the kubelet; any other is a link that exists, and is imported.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { CniError, codes } from "../../cni/call/CniError.ts"
import { parseDeviceID } from "../../devices/deviceID.ts"
import { standaloneAlias } from "../../devices/standalone.ts"
import { macvtap } from "../../link/macvtap.ts"
import { tracedRollback } from "../../observe/span.ts"
import { LogService } from "../../services/LogService.ts"
import { type Reservation, type ReservationError, ReservationService } from "../../services/ReservationService.ts"
import { type DeviceNumber, TapService } from "../../services/TapService.ts"
import { ConfigService } from "../ConfigService.ts"
import { toCniError } from "../errors.ts"
import { makeLinkOn } from "../link/make.ts"
import { attachmentTaker, mayBeOpened, type Taker } from "../link/number.ts"
import { lowerOf } from "../link/parent.ts"
import { permitDevice } from "../link/permit.ts"
import type { Place } from "../link/place.ts"
import { nodeRights } from "../link/tapNode.ts"
import { awaitFormerPod } from "./formerPod.ts"
import { importLink, moveIn } from "./import.ts"
import { checkOwner } from "./owner.ts"

/** The link of a network with a `deviceID`: of our device plugin's, or of somebody else's. */
export const attachDevice = Effect.fnUntraced(function* (host: Place, container: Place, deviceID: string) {
  yield* permitDevice(deviceID)
  const id = parseDeviceID(deviceID)
  if (id !== undefined) yield* checkOwner(deviceID, id.resource)
  const device = yield* (yield* ReservationService).lookup(deviceID)
  return device === undefined
    ? yield* importLink(host, container, deviceID)
    : yield* acquireDevice(host, container, device)
})

/** The link of the device, in the container, with the node that the kubelet opened to it. */
const acquireDevice = Effect.fnUntraced(function* (host: Place, container: Place, device: Reservation) {
  const reservations = yield* ReservationService
  const { log } = yield* LogService
  const rights = nodeRights((yield* ConfigService).link)
  let changed = device.standalone
  const former = device.standalone ? yield* formerNumber(device) : undefined
  const { id: netnsID, path: netnsPath } = container.netns
  const runs = { alias: standaloneAlias(device.deviceID), netnsID, netnsPath }
  /** Containers that run may have opened it, whatever becomes of this call and of the attachment. */
  const keepFormer = Effect.fnUntraced(function* (number: DeviceNumber) {
    if (former !== undefined && former !== number) yield* reservations.claim(former, runs)
  })
  // Registered before the link is made, hence run after the link is taken back: a node with its link behind it stays.
  yield* Effect.addFinalizer((exit) =>
    Exit.isSuccess(exit) || !changed
      ? Effect.void
      : Effect.catch(takeNodeBack(host, device, { former, keepFormer }), (error) =>
          log("error", () => `could not take back ${device.node}: ${toCniError(error).msg}`)
        ).pipe(tracedRollback("node"))
  )
  const attachment = yield* attachmentTaker(container.netns)
  const taker: Taker = {
    deviceID: device.deviceID,
    write: Effect.fnUntraced(function* (number, over) {
      const inTheWay = yield* attachment.write(number, over)
      if (inTheWay !== undefined) return inTheWay
      yield* keepFormer(number)
      changed = true
      yield* Effect.uninterruptible(reservations.makeNode(device, number, rights))
      return undefined
    })
  }
  const made = device.standalone ? yield* standaloneLink(host, device) : undefined
  if (made !== undefined) {
    const what = { device: made, deviceID: device.deviceID, taker, index: device.index }
    const link = yield* moveIn(host, container, what)
    if (link !== undefined) return link
    // The kernel would give the link the same number again, since that is free while it moves.
    yield* Effect.catchTag(host.route.linkDel(made.index), "LinkNotFound", () => Effect.void)
  }
  return yield* makeReserved(host, container, device, taker)
})

/** The number that a standalone device's node had before the call, and how others are kept from it where it has another. */
interface Before {
  readonly former: DeviceNumber | undefined
  readonly keepFormer: (number: DeviceNumber) => Effect.Effect<void, ReservationError>
}

/**
 * A standalone device has a node before ADD, which the device plugin made for QEMU's user: it has to lead to the link on
 * the host again, whose number a move changes, or where it led. Any other has none.
 */
const takeNodeBack = Effect.fnUntraced(function* (host: Place, device: Reservation, { former, keepFormer }: Before) {
  const reservations = yield* ReservationService
  const link = device.standalone ? yield* standaloneLink(host, device) : undefined
  const found = link === undefined ? undefined : yield* (yield* TapService).deviceNumber(host.netns, link)
  // A move back gives the link a number anew: where that is another's, the link is made anew by the next ADD, or PreStart.
  const isOthers = found !== undefined && (yield* mayBeOpened(found, { deviceID: device.deviceID }))
  if (link !== undefined && isOthers) yield* Effect.ignore(host.route.linkDel(link.index))
  const number = isOthers ? former : (found ?? former)
  if (number === undefined) return void (yield* reservations.removeNode(device.deviceID))
  yield* keepFormer(number)
  yield* reservations.makeNode(device, number, nodeRights({}))
})

/** What the device plugin made at Allocate: gone with the pod's sandbox where that had it, and has to be made anew. */
const standaloneLink = ({ route }: Place, { index }: Reservation) =>
  Effect.map(route.linkList, (links) => links.find((link) => link.index === index && link.kind === macvtap.kind))

/** The number that the device's node has. */
const formerNumber = Effect.fnUntraced(function* ({ deviceID }: Reservation) {
  const claims = yield* (yield* ReservationService).claims()
  return claims.find((claim) => claim.deviceID === deviceID)?.number
})

const makeReserved = Effect.fnUntraced(function* (host: Place, container: Place, device: Reservation, taker: Taker) {
  yield* checkAgreement(device)
  const parent = yield* findLowerDevice(host, device)
  yield* awaitFormerPod(host, device, lowerOf(parent).index)
  return yield* makeLinkOn(host, container, parent, { mode: device.mode }, { indexes: [device.index], taker })
})

/** What the network says beside the device must be what the device plugin offers under that name. */
const checkAgreement = Effect.fnUntraced(function* (device: Reservation) {
  const { link } = yield* ConfigService
  if (link.master !== undefined && link.master !== device.lowerDevice) {
    return yield* disagree(device, "master", link.master, device.lowerDevice ?? "no link of this node")
  }
  const mode = link.options["mode"]
  if (mode !== undefined && mode !== device.mode) return yield* disagree(device, "mode", mode, device.mode)
})

const disagree = (device: Reservation, key: string, configured: unknown, reserved: unknown) =>
  new CniError({
    code: codes.invalidConfig,
    msg: `"${key}" is ${JSON.stringify(configured)}, but device "${device.deviceID}" is reserved with ${JSON.stringify(reserved)}`,
    details: `resource "${device.resource}" of the device plugin decides; leave "${key}" out, or make the two agree`
  })

const findLowerDevice = Effect.fnUntraced(function* (host: Place, device: Reservation) {
  const missing = (name: string | undefined) =>
    new CniError({
      code: codes.tryAgainLater,
      msg: `device "${device.deviceID}" has no lower device${name === undefined ? "" : `: there is no link "${name}"`}`,
      details: `this node has none of the links that resource "${device.resource}" of the device plugin names`
    })
  if (device.lowerDevice === undefined) return yield* missing(undefined)
  return yield* host.route
    .linkGet(device.lowerDevice)
    .pipe(Effect.catchTag("LinkNotFound", () => missing(device.lowerDevice)))
})
