/** DEL: takes the attachment's link and addresses back. Repeatable, best effort: errors are gathered, nothing stops it. */
import * as Effect from "effect/Effect"
import { hostRouteMetric } from "../../cni/identity/hostAccess.ts"
import { LogService } from "../../services/LogService.ts"
import { ReservationService } from "../../services/ReservationService.ts"
import { type DeviceNumber, TapService } from "../../services/TapService.ts"
import { quote } from "../../wire/foreign.ts"
import { ipamForward } from "../addresses/ipam.ts"
import { ConfigService } from "../ConfigService.ts"
import { isOwners } from "../device/owner.ts"
import { toCniError } from "../errors.ts"
import { withdraw } from "../hostAccess/withdraw.ts"
import { isOwnLink, ownAlias } from "../link/own.ts"
import { containerPlace, hostPlace, type Place } from "../link/place.ts"
import { errorsOf, gathered } from "./gathered.ts"

export const del = Effect.gen(function* () {
  const opened = yield* Effect.result(openContainer)
  // The plugin's own namespace is refused before any work, the release of addresses included.
  if (opened._tag === "Failure" && opened.failure._tag === "CniError") return yield* opened.failure
  // Before the claim that tells it is forgotten.
  const deviceID = yield* Effect.catch(ownDevice, () => Effect.undefined)
  const released = yield* errorsOf(ipamForward("DEL"))
  const removed =
    opened._tag === "Failure"
      ? [toCniError(opened.failure)]
      : opened.success === undefined
        ? yield* errorsOf(unclaim(undefined))
        : yield* errorsOf(removeLink(opened.success))
  const withdrawn = yield* errorsOf(withdrawRoutes)
  const forgotten = yield* errorsOf(removeNode(deviceID))
  yield* gathered([...released, ...removed, ...withdrawn, ...forgotten])
})

/** Without CNI_NETNS, or with one that is gone, there is no link left to remove: the kernel took it with the namespace. */
const openContainer = Effect.gen(function* () {
  const { attachment } = yield* ConfigService
  if (attachment.netns === "") return undefined
  return yield* containerPlace(yield* hostPlace).pipe(Effect.catchTag("NetnsNotFound", () => Effect.succeed(undefined)))
})

/**
 * Removes the link only if it is this attachment's: of the configured kind, and ours. A veth, or someone's own
 * macvtap, that happens to bear the name stays; so an ADD that failed because the name was taken takes nothing away when
 * the runtime calls DEL after it.
 */
const removeLink = Effect.fnUntraced(
  function* (container: Place) {
    const link = yield* findLink(container)
    if (link === undefined) return yield* unclaim(undefined)
    const node = yield* Effect.catch((yield* TapService).node(link.index), () => Effect.succeed(undefined))
    // Before the link goes: whoever gets its number next shall not find it claimed.
    yield* unclaim(node?.device)
    yield* container.route.linkDel(link.index)
  },
  Effect.catchTag("LinkNotFound", () => Effect.void)
)

/** The link that bears the attachment's name, or what it has become since: some rename it and put a stand-in there. */
const findLink = Effect.fnUntraced(function* (container: Place) {
  const config = yield* ConfigService
  const { log } = yield* LogService
  const { route } = container
  const named = yield* route
    .linkGet(config.attachment.ifname)
    .pipe(Effect.catchTag("LinkNotFound", () => Effect.succeed(undefined)))
  if (named !== undefined && isOwnLink(config, named)) return named
  const alias = ownAlias(config)
  const { kind } = config.network.kind
  const renamed = (yield* route.linkList).find((link) => link.kind === kind && link.alias === alias)
  if (renamed === undefined && named !== undefined) {
    const found = `a ${named.kind ?? "hardware link"} with alias ${quote(named.alias ?? "")}`
    const asked = `the ${kind} with alias ${quote(alias)} that was added for this attachment`
    yield* log("warning", () => `link ${named.name} stays: it is ${found}, not ${asked}`)
  }
  return renamed
})

/** What "hostAccess" made of the attachment on the host: found there, whether or not the pod is still there to be asked. */
const withdrawRoutes = Effect.gen(function* () {
  const config = yield* ConfigService
  if (config.link.hostAccess) yield* withdraw(yield* hostPlace, hostRouteMetric(ownAlias(config)))
})

/** From now on others may have the attachment's number; `number` is where to look first. */
const unclaim = Effect.fnUntraced(function* (number: DeviceNumber | undefined) {
  const config = yield* ConfigService
  const alias = ownAlias(config)
  if (config.network.kind.device === "tap") {
    yield* (yield* ReservationService).unclaim((other) => other === alias, number)
  }
})

/**
 * The device whose node goes with this attachment. A network can name the device of another pod, or of another attachment
 * of this one, whose node tells that it may open its number.
 */
const ownDevice = Effect.gen(function* () {
  const config = yield* ConfigService
  const { deviceID } = config.link
  if (deviceID === undefined || !(yield* isOwners(deviceID))) return undefined
  const { claims } = yield* ReservationService
  const node = (yield* claims()).find((claim) => claim.deviceID === deviceID)
  const onIt = node === undefined ? [] : yield* claims(node.number)
  return onIt.some(({ attachment }) => attachment?.alias === ownAlias(config)) ? deviceID : undefined
})

/** The node that ADD made of a device of our device plugin; it stays where the next pod's link is behind it already. */
const removeNode = Effect.fnUntraced(function* (deviceID: string | undefined) {
  if (deviceID !== undefined) yield* (yield* ReservationService).removeNode(deviceID)
})
