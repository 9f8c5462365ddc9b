/** The kubelet: it allots devices, has sandboxes made, and starts containers in them. */
import * as Effect from "effect/Effect"
import * as SubscriptionRef from "effect/SubscriptionRef"
import { makeAnswers, type NodeServices } from "../../../src/device-plugin/endpoint/answers.ts"
import type { Answers, CallRefused } from "../../../src/device-plugin/endpoint/EndpointServer.ts"
import type { Offer } from "../../../src/device-plugin/offer/Offer.ts"
import { removeStandalone } from "../../../src/device-plugin/offer/standalone.ts"
import { deviceIndex, formatDeviceID, parseDeviceID } from "../../../src/devices/deviceID.ts"
import { defaultStateFolder } from "../../../src/devices/resources.ts"
import { ReservationService } from "../../../src/services/ReservationService.ts"
import { befalling, give, startContainers } from "./holding.ts"
import { isLowerThere, type Node, resources } from "./Node.ts"
import type { Attachment, Pod } from "./Pod.ts"
import { onNode } from "./processes.ts"
import { isExcused } from "./promises.ts"
import { add, makeSandbox, removeSandbox } from "./runtime.ts"
import type { Step } from "./steps.ts"

/** A pod gets its device, its sandbox, its network and its containers, and whatever it does not get has to be excused. */
export const startPod = Effect.fnUntraced(function* (node: Node, step: Extract<Step, { _tag: "Start" }>) {
  const { kernel, running } = node
  const { slot, want, ordinal, meanwhile, death } = step
  const checkpoint = kernel.machine.checkpoint ?? new Map<string, string>()
  const resource = want === "standalone" ? "plain" : "dataplane"
  const device = want === "attachment" ? undefined : formatDeviceID({ resource, ordinal })
  if (running[slot] !== undefined || (device !== undefined && checkpoint.has(device))) return
  const uid = `pod${node.next()}`
  const pod: Pod = {
    ...{ slot, uid, containerID: "", path: "", tampered: false, wasWhole: false },
    ...{ attachments: [], device, holds: new Set<string>(), opened: undefined }
  }
  const befall = befalling(node, slot === 0 ? 1 : 0, meanwhile)
  const fails = Effect.fnUntraced(function* (what: string, words: string) {
    if (!isExcused(node, pod, words, !isLowerThere(node)))
      node.broken.push(`${uid} does not get its ${want}: ${what}: ${words}`)
    yield* removeSandbox(node, pod, true)
    if (device !== undefined) checkpoint.delete(device)
  })

  if (device !== undefined) {
    const refused = yield* ask(node, device, "allocate", befall)
    if (refused !== undefined) return yield* fails("Allocate", refused)
    checkpoint.set(device, uid)
    if (want === "standalone") give(node, pod, { link: deviceIndex({ resource, ordinal }), isDevice: true })
  }
  makeSandbox(node, pod)
  if (want !== "standalone" || step.network) {
    const conf = { name: "lan", type: "macvtap", ...(device === undefined ? { master: "eth0" } : { deviceID: device }) }
    const attachment = (): Attachment => ({ ...pod, ifname: "net1", conf, prevResult: undefined })
    let answer = yield* add(node, pod, attachment(), { befall, death })
    if (death !== undefined && answer.status !== 0) {
      yield* removeSandbox(node, pod, death.del)
      makeSandbox(node, pod)
      answer = yield* add(node, pod, attachment(), { befall })
    }
    if (answer.status !== 0) return yield* fails("ADD", answer.stdout)
  }
  const refused = yield* prestart(node, pod, befall)
  if (refused !== undefined) return yield* fails("PreStart", refused)
  pod.wasWhole = isLowerThere(node)
  running[slot] = pod
})

/** Containers start, unless the device plugin says why they may not. */
export const prestart = Effect.fnUntraced(function* (node: Node, pod: Pod, befall = () => {}) {
  const refused = pod.device === undefined ? undefined : yield* ask(node, pod.device, "preStart", befall)
  if (refused !== undefined) return refused
  const id = parseDeviceID(pod.device ?? "")
  if (id?.resource === "plain") give(node, pod, { link: deviceIndex(id), isDevice: true })
  startContainers(node, pod)
  return undefined
})

/** Its containers end, and so does what they may open; the kubelet gives the device to others from now on. */
export const stopPod = (node: Node, pod: Pod): void => {
  node.running[pod.slot] = undefined
  pod.holds.clear()
  if (pod.device !== undefined) node.kernel.machine.checkpoint?.delete(pod.device)
  node.stopped.push(pod)
}

/** The device plugin removes what has been nobody's for a minute. */
export const sweep = (node: Node): Effect.Effect<void> => {
  const { kernel } = node
  const isStale = (deviceID: string): boolean => kernel.machine.checkpoint?.has(deviceID) === false
  const swept = Effect.gen(function* () {
    yield* removeStandalone(isStale)
    const { claims, removeNode } = yield* ReservationService
    for (const { deviceID } of yield* claims())
      if (deviceID !== undefined && isStale(deviceID)) yield* removeNode(deviceID)
  })
  return Effect.orDie(onNode(kernel, () => {}, swept))
}

/** Why the device plugin refuses; undefined where it does not. */
const ask = (
  node: Node,
  deviceID: string,
  call: "allocate" | "preStart",
  befall: (n: number) => void
): Effect.Effect<string | undefined> => {
  const name = parseDeviceID(deviceID)?.resource ?? ""
  const offered = resources[name]
  const devicesIds = [deviceID]
  const asked: Effect.Effect<unknown, CallRefused, NodeServices> = Effect.gen(function* () {
    if (offered === undefined) return
    const offer = yield* SubscriptionRef.make<Offer>({ name, ...offered, present: isLowerThere(node), numaNodes: [] })
    const answers: Answers = yield* makeAnswers(defaultStateFolder, offer)
    return call === "allocate"
      ? yield* answers.allocate({ containerRequests: [{ devicesIds }] })
      : yield* answers.preStart({ devicesIds })
  })
  return onNode(node.kernel, befall, asked).pipe(
    Effect.as(undefined),
    Effect.catch(({ message }) => Effect.succeed(message))
  )
}
