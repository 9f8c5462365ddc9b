/**
 * A network with a `deviceID`: a device that our device plugin reserved is made now, at the ifindex and with the node that
 * Allocate promised to the kubelet; any other is a link that exists, and is imported.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { CniError, codes } from "../../cni/call/CniError.ts"
import { tracedRollback } from "../../observe/span.ts"
import { LogService } from "../../services/LogService.ts"
import { type Reservation, ReservationService } from "../../services/ReservationService.ts"
import { TapService } from "../../services/TapService.ts"
import { ConfigService } from "../ConfigService.ts"
import { toCniError } from "../errors.ts"
import { importLink } from "./import.ts"
import { makeLinkOn } from "./make.ts"
import { permitDevice } from "./permit.ts"
import type { Place } from "./place.ts"
import { nodeRights } from "./tapNode.ts"

/** The link of a network with a `deviceID`: of our device plugin's, or of somebody else's. */
export const attachDevice = Effect.fnUntraced(function* (host: Place, container: Place, deviceID: string) {
  yield* permitDevice(deviceID)
  const device = yield* (yield* ReservationService).lookup(deviceID)
  return device === undefined
    ? yield* importLink(host, container, deviceID)
    : yield* acquireDevice(host, container, device)
})

/** The link of the device, in the container, with the node that the kubelet opened to it. */
const acquireDevice = Effect.fnUntraced(function* (host: Place, container: Place, device: Reservation) {
  const reservations = yield* ReservationService
  const { log } = yield* LogService
  let changed = device.standalone
  // Registered before the link is made, hence run after the link is taken back: a node with its link behind it stays.
  yield* Effect.addFinalizer((exit) =>
    Exit.isSuccess(exit) || !changed
      ? Effect.void
      : Effect.catch(takeNodeBack(host, device), (error) =>
          log("error", () => `could not take back ${device.node}: ${toCniError(error).msg}`)
        ).pipe(tracedRollback("node"))
  )
  const link = device.standalone
    ? yield* importLink(host, container, device.deviceID)
    : yield* makeReserved(host, container, device)
  const number = yield* (yield* TapService).deviceNumber(container.netns, link)
  changed = true
  yield* Effect.uninterruptible(reservations.makeNode(device, number, nodeRights((yield* ConfigService).link)))
  return link
})

/**
 * A standalone device has a node before ADD, which the device plugin made for QEMU's user: it has to lead to the link on
 * the host again, whose number a move changes. Any other has none.
 */
const takeNodeBack = Effect.fnUntraced(
  function* (host: Place, device: Reservation) {
    const reservations = yield* ReservationService
    if (!device.standalone) return void (yield* reservations.removeNode(device.deviceID))
    const link = yield* host.route.linkGet(device.index)
    const number = yield* (yield* TapService).deviceNumber(host.netns, link)
    yield* reservations.makeNode(device, number, nodeRights({}))
  },
  Effect.catchTag("LinkNotFound", () => Effect.void)
)

const makeReserved = Effect.fnUntraced(function* (host: Place, container: Place, device: Reservation) {
  yield* checkAgreement(device)
  yield* checkFree(device)
  const parent = yield* findLowerDevice(host, device)
  return yield* makeLinkOn(host, container, parent, { mode: device.mode }, [device.index])
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

/** Refuses a device whose ifindex a link has, in whichever namespace: a former pod that has not ended yet. */
const checkFree = Effect.fnUntraced(function* (device: Reservation) {
  const holder = yield* (yield* ReservationService).holder(device)
  if (holder !== undefined) return yield* stillHeld(device)
})

const stillHeld = (device: Reservation) =>
  new CniError({
    code: codes.tryAgainLater,
    msg: `device "${device.deviceID}" is still held by its former pod`,
    details: `a link with ifindex ${device.index} exists until that pod's network namespace is gone; try again`
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
