/**
 * Import: a macvtap that exists (a device plugin's, or a person's) is configured and moved into the container in one
 * request, and put back exactly as it was when the ADD fails.
 */

import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { CniError, codes } from "../../cni/call/CniError.ts"
import type { Link } from "../../link/Link.ts"
import type { LinkChange } from "../../link/LinkSpec.ts"
import { tracedRollback } from "../../observe/span.ts"
import { ReservationService } from "../../services/ReservationService.ts"
import { type DeviceNumber, TapService } from "../../services/TapService.ts"
import { ConfigService } from "../ConfigService.ts"
import { takeTap } from "../link/make.ts"
import { attachmentTaker, isOthers, keepNumbersBack, noNumber, type Taker } from "../link/number.ts"
import { ownIndexes } from "../link/own.ts"
import type { Place } from "../link/place.ts"
import { configuredSettings } from "../link/settings.ts"
import { foreignNode, giveTapNode, judgeNode } from "../link/tapNode.ts"
import { explainRefusal } from "../refusal/explain.ts"
import { checkDevice, checkMac, findDevice } from "./findDevice.ts"
import { putBack, type Taken, upLast } from "./putBack.ts"

/** A link of the host that the device ID names, with a tap node of its own in the container. */
export const importLink = Effect.fnUntraced(function* (host: Place, container: Place, deviceID: string) {
  const taker = yield* attachmentTaker(container.netns)
  for (let attempt = 0; attempt < attempts; attempt++) {
    const device = yield* findDevice(host, deviceID)
    const link = yield* moveIn(host, container, { device, deviceID, taker })
    if (link !== undefined) return link
  }
  return yield* noNumber(undefined)
})

/** A number that was free a moment ago can be in question by the time of the move, where pods come and go. */
const attempts = 4

/** A link to be imported: a standalone device of our device plugin keeps the ifindex under which the kubelet opens its node. */
interface Import {
  readonly device: Link
  readonly deviceID: string
  readonly taker: Taker
  /** The ifindex that it has to have in the container; any with a tap node of its own when left out. */
  readonly index?: number
}

/** The device in the container; undefined, and the device where it was, where another pod may open the number that it gets. */
export const moveIn = Effect.fnUntraced(function* (host: Place, container: Place, what: Import) {
  const moved = yield* Scope.fork(yield* Effect.scope)
  const link = yield* Scope.provide(move(host, container, what), moved)
  if (link === undefined) yield* Scope.close(moved, Exit.fail("another may open its number"))
  return link
})

/** `ip link set <device> netns <container> name <ifname> …`, one request. */
const move = Effect.fnUntraced(function* (host: Place, container: Place, what: Import) {
  const { device, deviceID, taker } = what
  const { network } = yield* ConfigService
  const settings = yield* configuredSettings
  const parent = yield* checkDevice(host, device, deviceID)
  yield* checkMac(host, device, parent, deviceID)
  const before = yield* judgeNode(host.netns, device)
  const index = what.index ?? (yield* chooseIndex(container, device, before._tag !== "Foreign"))
  const taken: Taken = { index, node: before._tag === "Own" ? before.node : undefined }
  // Registered before the request: the kernel works through it attribute by attribute and does not undo the first ones
  // when a later one is refused (a MAC in use is found last, after the move).
  yield* Effect.addFinalizer((exit) =>
    Exit.isSuccess(exit) ? Effect.void : tracedRollback("device")(putBack(host, container, device, taken))
  )
  const { up, ...down } = settings
  const separately = upLast(network.kind, device) && up === true
  const change = {
    ...(separately ? down : settings),
    kind: network.kind,
    netns: container.netns,
    newIndex: index
  } satisfies LinkChange
  const moving = host.route.linkSet(device.index, change)
  yield* Effect.andThen(
    withFreeNumber(before.number, taker, moving),
    separately ? container.route.linkSet(index, { up }) : Effect.void
  ).pipe(
    Effect.catchTag("NetlinkError", (error) =>
      explainRefusal(error, {
        spec: { ...settings, kind: network.kind },
        parent,
        birthplace: host,
        container,
        device
      })
    )
  )
  const link = yield* container.route.linkGet(index)
  const verdict = yield* judgeNode(container.netns, link)
  if (verdict.number !== undefined) taken.number = verdict.number
  if (verdict._tag === "Foreign" && what.index === undefined) return yield* foreignNode(verdict.node, link)
  const { mine, problem } = yield* takeTap(verdict, taker)
  if (!mine) return undefined
  if (verdict._tag !== "Foreign") yield* giveTapNode(verdict, link, problem)
  return link
})

/**
 * A move gives the link a new number, the lowest that is free then, hence no higher one than it had. Where a lower one is
 * free that another may open, it is kept back meanwhile.
 */
const withFreeNumber = <A, E, R>(now: DeviceNumber | undefined, taker: Taker, move: Effect.Effect<A, E, R>) =>
  Effect.scoped(
    Effect.gen(function* () {
      for (const claim of yield* (yield* ReservationService).claims()) {
        const matters = !claim.isLinked() && (now === undefined || minorOf(claim.number) < minorOf(now))
        if (!matters || !(yield* isOthers(claim, taker))) continue
        yield* keepNumbersBack(taker)
        break
      }
      return yield* move
    })
  )

const minorOf = (number: DeviceNumber): number => Number(number.slice(number.indexOf(":") + 1))

/**
 * An ifindex in the container under which the link keeps a tap node of its own. Its present one where it can: the
 * kubelet has opened `/dev/tap<ifindex>` to the container under that name.
 */
const chooseIndex = Effect.fnUntraced(function* (container: Place, device: Link, ownNode: boolean) {
  const tap = yield* TapService
  const first = ownNode ? [device.index] : []
  for (const index of chain(first, ownIndexes(yield* ConfigService))) {
    const nodeIsFree = index === device.index || (yield* tap.node(index)) === undefined
    const indexIsFree =
      nodeIsFree &&
      (yield* container.route.linkGet(index).pipe(
        Effect.as(false),
        Effect.catchTag("LinkNotFound", () => Effect.succeed(true))
      ))
    if (indexIsFree) return index
  }
  return yield* new CniError({ code: codes.tryAgainLater, msg: `no free tap node for device "${device.name}"` })
})

const chain = function* <A>(first: Iterable<A>, second: Iterable<A>): Generator<A> {
  yield* first
  yield* second
}
