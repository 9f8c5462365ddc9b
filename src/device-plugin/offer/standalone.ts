/**
 * Devices for pods that want only a tap and no network attachment (`"standalone": true`): their links are made when they
 * are allotted, in the host's namespace, as kubevirt/macvtap-cni does for all.
 */
import * as Effect from "effect/Effect"
import { deviceIndex, parseDeviceID } from "../../devices/deviceID.ts"
import { deviceName } from "../../devices/deviceName.ts"
import { nodeOwner } from "../../devices/nodeOwner.ts"
import { holdBackUnseen } from "../../devices/placeholders.ts"
import { standaloneAlias, standaloneDevice } from "../../devices/standalone.ts"
import type { Link } from "../../link/Link.ts"
import { macvtap } from "../../link/macvtap.ts"
import { NetlinkService, type Rtnetlink } from "../../services/NetlinkService.ts"
import { NetnsService } from "../../services/NetnsService.ts"
import { ReservationService } from "../../services/ReservationService.ts"
import { type DeviceNumber, TapService } from "../../services/TapService.ts"
import { quote } from "../../wire/foreign.ts"
import { CallRefused } from "../endpoint/EndpointServer.ts"
import type { Offer } from "./Offer.ts"
import { seatOf } from "./whose.ts"

const onHost = <A, E, R>(use: (route: Rtnetlink) => Effect.Effect<A, E, R>) =>
  Effect.scoped(
    Effect.gen(function* () {
      const netns = yield* (yield* NetnsService).current
      return yield* use(yield* (yield* NetlinkService).connect(netns))
    })
  )

/** By its alias, since udev may have renamed it, or by its ifindex, which no other link has: a daemon that was killed. */
const findLink = (route: Rtnetlink, deviceID: string, index: number) =>
  Effect.map(route.linkList, (links) =>
    links.find((link) => standaloneDevice(link) === deviceID || (link.kind === macvtap.kind && link.index === index))
  )

const refuse = (message: string) => new CallRefused({ code: "UNAVAILABLE", message })

const makeLink = Effect.fnUntraced(function* (route: Rtnetlink, offer: Offer, deviceID: string, index: number) {
  const { lowerDevice, mode } = offer
  if (lowerDevice === undefined) {
    return yield* refuse(`device ${deviceID} cannot be made: this node has none of the configured lower devices`)
  }
  const parent = yield* route.linkGet(lowerDevice)
  yield* route.linkAdd({
    kind: macvtap,
    name: deviceName(deviceID),
    index,
    parent: parent.index,
    options: { mode }
  })
  // The kernel takes no alias from the request that makes a link.
  yield* route.linkSet(index, { alias: standaloneAlias(deviceID), up: true, allmulti: macvtap.allmulti })
  return yield* route.linkGet(index)
})

/** A number that another may open falls to a new link again, unless something has it meanwhile; not often in a row. */
const rounds = 8

/**
 * The node of the link that there is, or of a new one: with a number that nobody else may open. The node is made first and
 * the others are looked at afterwards, so that of two who come by a number at least one sees the other.
 */
const makeNode = Effect.fnUntraced(function* (
  deviceID: string,
  node: string,
  kept: Link | undefined,
  make: { readonly route: Rtnetlink; readonly link: ReturnType<typeof makeLink> }
) {
  const reservations = yield* ReservationService
  const netns = yield* (yield* NetnsService).current
  // An attachment may be over that has a claim. Its namespace cannot be looked for from a container, so that GC decides.
  const mayBeOpened = (number: DeviceNumber) =>
    Effect.map(reservations.claims(number), (claims) => claims.some((claim) => claim.deviceID !== deviceID))
  let link = kept ?? (yield* make.link)
  for (let round = 0; round < rounds; round++) {
    const number = yield* (yield* TapService).deviceNumber(netns, link)
    yield* reservations.makeNode({ node }, number, nodeOwner)
    if (!(yield* mayBeOpened(number))) {
      return yield* Effect.annotateLogs(Effect.logInfo("made a standalone device"), {
        device: deviceID,
        link: link.name
      })
    }
    yield* make.route.linkDel(link.index)
    yield* holdBackUnseen(mayBeOpened)
    link = yield* make.link
  }
  yield* make.route.linkDel(link.index)
  return yield* refuse(`device ${deviceID}: others came by its number ${rounds} times in a row`)
}, Effect.scoped)

/**
 * The device's link and node. At Allocate (`fresh`) a link that is there is a former pod's, and made anew; before a
 * container starts it stays, and is only made where it is missing, as after a reboot, when nobody calls Allocate.
 */
export const ensureStandalone = Effect.fnUntraced(
  function* (offer: Offer, deviceID: string, node: string, fresh: boolean) {
    const id = parseDeviceID(deviceID)
    if (id === undefined) return
    const index = deviceIndex(id)
    const holder = yield* (yield* ReservationService).holder({ node, index })
    yield* onHost(
      Effect.fnUntraced(function* (route) {
        const there = yield* findLink(route, deviceID, index)
        if (there === undefined && holder !== undefined) {
          // ADD has moved it into a pod; a stranger's link of that ifindex and number is nobody's concern.
          const seat = yield* seatOf(holder, index)
          if (!fresh && (seat === "there" || seat === "unseen")) return
          if (fresh && seat === "there") {
            return yield* refuse(
              `device ${deviceID} is still held: link "${holder.link}" of another network namespace has its ifindex ${index}`
            )
          }
        }
        if (there !== undefined && fresh) yield* route.linkDel(there.index)
        const kept = fresh ? undefined : there
        if (kept !== undefined && holder?.path === node) return
        yield* makeNode(deviceID, node, kept, { route, link: makeLink(route, offer, deviceID, index) })
      })
    )
  },
  Effect.catchTags({
    NetlinkError: (error) => refuse(`${error.operation}: ${error.extack ?? error.errno}`),
    LinkNotFound: (error) => refuse(`there is no link ${quote(error.link)} on this node`),
    NetnsError: (error) => refuse(`${error.operation} ${error.path}: ${error.errno}`),
    NoFreeNumber: ({ tried }) => refuse(`${tried} numbers of taps in a row may be opened by pods that have not ended`),
    TapError: (error) => refuse(`${error.operation} ${error.path}: ${error.errno}`),
    ReservationError: (error) => refuse(`${error.operation} ${error.path}: ${error.problem}; ${error.advice}`)
  })
)

/** Deletes the links of devices that `isStale` names, and their nodes. Answers the devices that were deleted. */
export const removeStandalone = Effect.fnUntraced(function* (isStale: (deviceID: string) => boolean) {
  const reservations = yield* ReservationService
  return yield* onHost(
    Effect.fnUntraced(function* (route) {
      const removed: Array<string> = []
      for (const link of yield* route.linkList) {
        const deviceID = standaloneDevice(link)
        if (deviceID === undefined || !isStale(deviceID)) continue
        yield* Effect.catchTag(route.linkDel(link.index), "LinkNotFound", () => Effect.void)
        yield* reservations.removeNode(deviceID)
        removed.push(deviceID)
      }
      // Numbers that its link had before an ADD moved it.
      yield* reservations.unclaim((alias) => {
        const deviceID = standaloneDevice({ kind: macvtap.kind, alias })
        return deviceID !== undefined && isStale(deviceID)
      })
      return removed
    })
  )
})
