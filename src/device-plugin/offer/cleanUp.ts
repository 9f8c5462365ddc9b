/**
 * Taking back what nobody uses. A device's node says which number its pod may open, whatever has become of the link, so it
 * stays for as long as the kubelet has the device allotted, and the number with it: until then nobody else is given that.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Ref from "effect/Ref"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import { parseDeviceID } from "../../devices/deviceID.ts"
import { nodeFolder } from "../../devices/resources.ts"
import { ReservationService } from "../../services/ReservationService.ts"
import { describeFault } from "../describeFault.ts"
import { Kubelet } from "../kubelet/Kubelet.ts"
import { countError } from "../observe/metrics.ts"
import { listNodes } from "./nodes.ts"
import { removeStandalone } from "./standalone.ts"

/**
 * How long a device may be missing in the kubelet's checkpoint before it is taken for nobody's: the kubelet writes it
 * after Allocate has answered.
 */
const grace = 60_000

/** Looks when the kubelet's folder changes, in which its checkpoint is, and again while a device is missing there. */
export const cleanUp = Effect.fn("cleanUp")(function* (stateFolder: string) {
  const kubelet = yield* Kubelet
  yield* Effect.catch(beginBoot(stateFolder), complain)
  const missing = yield* Ref.make<Missing>(new Map())
  const look = Effect.catch(sweep(stateFolder, missing), (error) => Effect.as(complain(error), false))
  const settle = Effect.repeat(Effect.uninterruptible(look), {
    schedule: Schedule.spaced(grace),
    while: (isMissing) => isMissing
  })
  return yield* Effect.andThen(
    Stream.runDrain(Stream.switchMap(kubelet.changes, () => Stream.fromEffect(settle))),
    Effect.never
  )
})

const complain = (error: unknown) =>
  Effect.andThen(countError("cleanup"), Effect.logWarning(`cleaning up failed: ${describeFault(error)}`))

/** The kernel's name for the time since it was started. */
const bootID = "/proc/sys/kernel/random/boot_id"

/** After a reboot numbers are others', so no node without a link tells anything. Half-made ones begin with a dot. */
const beginBoot = Effect.fn("cleanUp.boot")(function* (stateFolder: string) {
  const files = yield* FileSystem.FileSystem
  const file = `${stateFolder}/boot`
  const [now, before] = yield* Effect.all([
    files.readFileString(bootID),
    Effect.orElseSucceed(files.readFileString(file), () => undefined)
  ])
  const nodes = [...listNodes(stateFolder)]
  const halfMade = nodes.filter((name) => name.startsWith(".") && isDevice(name.slice(1).replace(/\.[a-z0-9]+$/, "")))
  yield* Effect.forEach(halfMade, (name) => files.remove(`${nodeFolder(stateFolder)}/${name}`, { force: true }))
  if (before === now) return
  if (before !== undefined) yield* removeNodes(nodes.filter(isDevice))
  yield* files.makeDirectory(stateFolder, { recursive: true })
  yield* files.writeFileString(file, now)
})

const isDevice = (name: string): boolean => parseDeviceID(name) !== undefined

/** A node that leads to its device's link stays. */
const removeNodes = Effect.fnUntraced(function* (devices: ReadonlyArray<string>) {
  const reservations = yield* ReservationService
  const removed = yield* Effect.filter(devices, reservations.removeNode)
  if (removed.length === 0) return
  yield* Effect.logInfo("removed nodes without a link").pipe(Effect.annotateLogs({ devices: removed }))
})

/** Devices that the kubelet has not allotted, and since when that is so. */
type Missing = ReadonlyMap<string, number>

/** One look at nodes and standalone links. Answers whether some are missing, but none for long enough. */
const sweep = Effect.fn("cleanUp.sweep")(function* (stateFolder: string, missing: Ref.Ref<Missing>) {
  const allotted = yield* (yield* Kubelet).allotted
  // Without a checkpoint nothing is known, so nothing is removed.
  if (allotted === undefined) return false
  const now = yield* Clock.currentTimeMillis
  const before = yield* Ref.get(missing)
  const after = new Map<string, number>()
  const isStale = (deviceID: string): boolean => {
    if (allotted.has(deviceID)) return false
    const since = before.get(deviceID) ?? now
    if (now - since >= grace) return true
    after.set(deviceID, since)
    return false
  }
  const removed = yield* removeStandalone(isStale)
  if (removed.length > 0) {
    yield* Effect.logInfo("removed standalone links that no pod uses").pipe(Effect.annotateLogs({ devices: removed }))
  }
  yield* removeNodes([...listNodes(stateFolder)].filter((name) => isDevice(name) && isStale(name)))
  yield* Ref.set(missing, after)
  return after.size > 0
})
