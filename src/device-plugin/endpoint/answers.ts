/** What the kubelet is answered for one resource. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as SubscriptionRef from "effect/SubscriptionRef"
import { deviceIndex, parseDeviceID } from "../../devices/deviceID.ts"
import { nodePath } from "../../devices/resources.ts"
import type { NetlinkService } from "../../services/NetlinkService.ts"
import type { NetnsService } from "../../services/NetnsService.ts"
import { ReservationService } from "../../services/ReservationService.ts"
import type { TapService } from "../../services/TapService.ts"
import { resourceDomain } from "../config/Config.ts"
import { countAllocations, countError, type Operation } from "../observe/metrics.ts"
import { allocateResponse, isDeviceOf, listDevices, preferDevices } from "../offer/devices.ts"
import { listNodes } from "../offer/nodes.ts"
import type { Offer } from "../offer/Offer.ts"
import { ensureStandalone } from "../offer/standalone.ts"
import { namesake, seatOf, stranger } from "../offer/whose.ts"
import { type Answers, CallRefused } from "./EndpointServer.ts"

/** Where the links and nodes of devices are. */
export type NodeServices = NetlinkService | NetnsService | TapService | ReservationService

/** Never absent: the kubelet dereferences it. */
export const endpointOptions = { preStartRequired: true, getPreferredAllocationAvailable: true }

const checkDevices = (resource: string, devices: ReadonlyArray<string>): Effect.Effect<void, CallRefused> => {
  const stranger = devices.find((id) => !isDeviceOf(resource, id))
  return stranger === undefined
    ? Effect.void
    : new CallRefused({
        code: "INVALID_ARGUMENT",
        message: `${stranger} is no device of ${resourceDomain}/${resource}`
      })
}

/** Before ADD there is no node, and after ADD it is the link's own; whatever else there is, is not given to the pod. */
const verify = Effect.fnUntraced(function* (resource: string, deviceID: string, node: string) {
  const id = parseDeviceID(deviceID)
  const index = id === undefined ? 0 : deviceIndex(id)
  const holder = yield* (yield* ReservationService).holder({ node, index })
  if (holder !== undefined) {
    if ((yield* seatOf(holder, index)) === "elsewhere") {
      return yield* new CallRefused({
        code: "FAILED_PRECONDITION",
        message: `device ${deviceID} has another's link: ${yield* stranger(holder, index)}. Its own is gone: delete the pod`
      })
    }
    const found = { resource, device: deviceID, link: holder.link, number: holder.device }
    return yield* Effect.logInfo("a container starts with the device's own link").pipe(Effect.annotateLogs(found))
  }
  const name = `${resourceDomain}/${resource}`
  return yield* new CallRefused({
    code: "FAILED_PRECONDITION",
    message:
      `device ${deviceID} has no link: no network attachment of the pod has made one. A pod that requests ${name} ` +
      `needs a network (annotation k8s.v1.cni.cncf.io/networks) of type macvtap whose NetworkAttachmentDefinition ` +
      `has the annotation k8s.v1.cni.cncf.io/resourceName: ${name}; for pods without one, set "standalone": true on ` +
      `the resource. If it had a link, that is gone, as when its lower device was removed: delete the pod${yield* namesake(index)}`
  })
})

const report =
  (operation: Operation, resource: string) =>
  (error: CallRefused): Effect.Effect<void> =>
    Effect.andThen(
      countError(operation),
      Effect.logError(error.message).pipe(Effect.annotateLogs({ resource, operation }))
    )

/** Answers from the offer as it is at the moment of the call. */
export const makeAnswers = Effect.fnUntraced(function* (
  stateFolder: string,
  offer: SubscriptionRef.SubscriptionRef<Offer>
): Effect.fn.Return<Answers, never, NodeServices> {
  const context = yield* Effect.context<NodeServices>()
  const { name } = yield* SubscriptionRef.get(offer)
  /** Allotments since the start; older ones are as good as never. */
  const lastUse = new Map<string, number>()

  const allocate = Effect.fnUntraced(function* (deviceID: string) {
    const current = yield* SubscriptionRef.get(offer)
    if (current.standalone) yield* ensureStandalone(current, deviceID, nodePath(stateFolder, deviceID), true)
    lastUse.set(deviceID, yield* Clock.currentTimeMillis)
  })
  const start = Effect.fnUntraced(function* (deviceID: string) {
    const current = yield* SubscriptionRef.get(offer)
    const node = nodePath(stateFolder, deviceID)
    if (current.standalone) yield* ensureStandalone(current, deviceID, node, false)
    yield* verify(name, deviceID, node).pipe(
      Effect.catchTag(
        "ReservationError",
        (error) => new CallRefused({ code: "INTERNAL", message: `${error.operation} ${error.path}: ${error.problem}` })
      )
    )
  })
  const heldSince = Effect.fnUntraced(function* (deviceID: string) {
    const id = parseDeviceID(deviceID)
    if (id === undefined) return 0
    const device = { node: nodePath(stateFolder, deviceID), index: deviceIndex(id) }
    const holder = yield* Effect.orElseSucceed((yield* ReservationService).holder(device), () => undefined)
    return holder === undefined ? (lastUse.get(deviceID) ?? 0) : Number.POSITIVE_INFINITY
  })

  return {
    options: endpointOptions,
    devices: SubscriptionRef.changes(offer).pipe(
      Stream.map((current) => ({ devices: [...listDevices(current, current.present)] }))
    ),
    allocate: ({ containerRequests }) =>
      Effect.gen(function* () {
        const devices = containerRequests.flatMap(({ devicesIds }) => devicesIds)
        yield* checkDevices(name, devices)
        yield* Effect.forEach(devices, allocate, { discard: true })
        yield* countAllocations(name, devices.length)
        yield* Effect.logInfo("allotted").pipe(Effect.annotateLogs({ resource: name, devices }))
        return {
          containerResponses: containerRequests.map(({ devicesIds }) => allocateResponse(stateFolder, devicesIds))
        }
      }).pipe(Effect.tapError(report("allocate", name)), Effect.provide(context)),
    prefer: ({ containerRequests }) =>
      Effect.gen(function* () {
        const ids = new Set(containerRequests.flatMap(({ availableDeviceIDs }) => availableDeviceIDs))
        const nodes = listNodes(stateFolder)
        const uses = new Map<string, number>()
        for (const id of ids) uses.set(id, nodes.has(id) ? yield* heldSince(id) : (lastUse.get(id) ?? 0))
        return {
          containerResponses: containerRequests.map((request) => ({
            deviceIDs: [...preferDevices(request, (id) => uses.get(id) ?? 0)]
          }))
        }
      }).pipe(Effect.provide(context)),
    preStart: ({ devicesIds }) =>
      checkDevices(name, devicesIds).pipe(
        Effect.andThen(Effect.forEach(devicesIds, start, { discard: true })),
        Effect.tapError(report("prestart", name)),
        Effect.provide(context)
      )
  }
})
