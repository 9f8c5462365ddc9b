/** Taking back what nobody uses: nodes whose link is gone, at the start; standalone links that are no pod's any more. */
import { readdirSync, rmSync } from "node:fs"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"
import { parseDeviceID } from "../../devices/deviceID.ts"
import { nodeFolder } from "../../devices/resources.ts"
import { ReservationService } from "../../services/ReservationService.ts"
import { describeFault } from "../describeFault.ts"
import { Kubelet } from "../kubelet/Kubelet.ts"
import { countError } from "../observe/metrics.ts"
import { removeStandalone } from "./standalone.ts"

/**
 * Milliseconds that a device may be missing in the kubelet's checkpoint before its link is taken for nobody's: the
 * kubelet writes it after Allocate has answered.
 */
const grace = 60_000

const list = (folder: string): ReadonlyArray<string> => {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

/** After a reboot no node leads anywhere, or worse, to whoever has its number by then. Half-made ones begin with a dot. */
export const removeStaleNodes = Effect.fnUntraced(function* (stateFolder: string) {
  const reservations = yield* ReservationService
  const folder = nodeFolder(stateFolder)
  const removed: Array<string> = []
  for (const name of list(folder)) {
    if (parseDeviceID(name) !== undefined) {
      if (yield* reservations.removeNode(name)) removed.push(name)
    } else if (name.startsWith(".") && parseDeviceID(name.slice(1).replace(/\.[a-z0-9]+$/, "")) !== undefined) {
      yield* Effect.sync(() => rmSync(`${folder}/${name}`, { force: true }))
    }
  }
  if (removed.length > 0) {
    yield* Effect.logInfo("removed nodes without a link").pipe(Effect.annotateLogs({ devices: removed }))
  }
})

/**
 * One look at standalone links. `missing` says since when which of them are not in the kubelet's checkpoint. Answers
 * whether there are such, but none for long enough.
 */
const sweep = Effect.fnUntraced(function* (missing: Map<string, number>) {
  const allotted = yield* (yield* Kubelet).allotted
  // Without a checkpoint nothing is known, so nothing is removed.
  if (allotted === undefined) return false
  const now = yield* Clock.currentTimeMillis
  const before = new Map(missing)
  missing.clear()
  const removed = yield* removeStandalone((deviceID) => {
    if (allotted.has(deviceID)) return false
    const since = before.get(deviceID) ?? now
    if (now - since >= grace) return true
    missing.set(deviceID, since)
    return false
  })
  if (removed.length > 0) {
    yield* Effect.logInfo("removed standalone links that no pod uses").pipe(Effect.annotateLogs({ devices: removed }))
  }
  return missing.size > 0
})

/** Looks when the kubelet's folder changes, in which its checkpoint is, and once more after the time of grace. */
export const cleanUp = Effect.fnUntraced(function* (stateFolder: string) {
  const failed = (error: unknown) =>
    Effect.andThen(countError("cleanup"), Effect.logWarning(`cleaning up failed: ${describeFault(error)}`))
  yield* Effect.catch(removeStaleNodes(stateFolder), failed)
  const wake = yield* Queue.sliding<void>(1)
  yield* Effect.forkScoped(Stream.runForEach((yield* Kubelet).changes, () => Queue.offer(wake, undefined)))
  const missing = new Map<string, number>()
  while (true) {
    yield* Queue.take(wake)
    const soon = yield* Effect.catch(sweep(missing), (error) => Effect.as(failed(error), false))
    if (soon) yield* Effect.forkScoped(Effect.delay(Queue.offer(wake, undefined), grace))
  }
}, Effect.scoped)
