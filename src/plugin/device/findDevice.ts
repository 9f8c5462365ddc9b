/** Which of the host's links a device ID names, and whether the network may have it. */
import * as Effect from "effect/Effect"
import { CniError, codes } from "../../cni/call/CniError.ts"
import { describeAlias } from "../../cni/identity/alias.ts"
import { byteLength, longestLinkName } from "../../cni/identity/names.ts"
import { deviceName, isDeviceName } from "../../devices/deviceName.ts"
import { standaloneDevice } from "../../devices/standalone.ts"
import type { Link } from "../../link/Link.ts"
import { ConfigService } from "../ConfigService.ts"
import { checkMtu, findParent, lowerOf } from "../link/parent.ts"
import type { Place } from "../link/place.ts"
import { describeLink, onParent } from "../refusal/obstacle.ts"
import { upLast } from "./putBack.ts"

/**
 * The host's link that the device ID names: by its own name, else by the name that kubevirt/macvtap-cni's device plugin
 * gives it ("mvt" and 12 hex digits of its hash). Whoever is given a device plugin's device is given its ID, never that.
 */
export const findDevice = Effect.fnUntraced(function* (host: Place, deviceID: string) {
  if (isDeviceName(deviceID)) return yield* pluginsOwn(deviceID)
  const hashed = deviceName(deviceID)
  // A name of over 15 bytes (IFNAMSIZ) is no link's; the kernel would answer ERANGE.
  const names = byteLength(deviceID) <= longestLinkName ? [deviceID, hashed] : [hashed]
  const device = yield* Effect.firstSuccessOf(names.map((name) => host.route.linkGet(name))).pipe(
    Effect.catchTag("LinkNotFound", () => missing(deviceID))
  )
  return standaloneDevice(device) === undefined ? device : yield* pluginsOwn(deviceID)
})

const pluginsOwn = (deviceID: string) =>
  refuse(
    deviceID,
    "it is a device plugin's link, which is for the pod that was given its device",
    `request the device plugin's resource instead; the device's ID then comes with the request`
  )

const missing = (deviceID: string) =>
  refuse(
    deviceID,
    `there is no link "${deviceID}" on this node, nor "${deviceName(deviceID)}"`,
    `a pod gets a deviceID by requesting the resource that the network attachment names ` +
      `(annotation k8s.v1.cni.cncf.io/resourceName); is the device plugin running, and was the link moved or deleted?`
  )

/** Only a link of the network's kind is taken, on the network's master, and only one that no attachment holds. */
export const checkDevice = Effect.fnUntraced(function* (host: Place, device: Link, deviceID: string) {
  const { network, link } = yield* ConfigService
  const { kind } = network.kind
  if (device.kind !== kind) {
    return yield* refuse(
      deviceID,
      `link "${device.name}" is a ${device.kind ?? "physical or loopback link"}, not a ${kind}`,
      `"deviceID" must name a ${kind} of this node`
    )
  }
  const holder = describeAlias(device.alias)
  if (holder !== undefined) {
    return yield* refuse(deviceID, `it is held by ${holder}`, "delete that attachment first")
  }
  if (device.parent?.netnsid !== undefined) {
    return yield* refuse(
      deviceID,
      `the link below it is in another network namespace`,
      `whoever is root there has its frames too; make a ${kind} on a link of this node's own`
    )
  }
  const local = device.parent?.index
  const parent = local === undefined ? undefined : yield* host.route.linkGet(local)
  const master = link.master === undefined ? undefined : yield* findParent(host.route)
  if (master !== undefined && lowerOf(master).index !== local) {
    return yield* refuse(
      deviceID,
      `its master is "${parent?.name}", not "${link.master}"`,
      `make "master" and "deviceID" agree, or leave "master" out`
    )
  }
  if (parent !== undefined) yield* checkMtu(link.mtu, parent)
  return parent
})

/**
 * Refuses to take away a MAC address that could not be given back. Two links on one master can be made with the same one
 * while the first is down, but a link, even a down one, is not set to what its master or an up link beside it has
 * (EADDRINUSE). In mode passthru the address is the master's own.
 */
export const checkMac = Effect.fnUntraced(function* (
  host: Place,
  device: Link,
  parent: Link | undefined,
  deviceID: string
) {
  const { network, link } = yield* ConfigService
  if (device.up || upLast(network.kind, device)) return
  if (link.mac === undefined || link.mac === device.mac || parent === undefined) return
  const isBeside = onParent(parent)
  const holds = (other: Link): boolean =>
    other.mac === device.mac && (other.index === parent.index || (other.up && isBeside(other)))
  const beside = (other: Link): boolean => other.index !== device.index && other.parent?.netnsid === undefined
  const holder = holds(parent) ? parent : (yield* host.route.linkList).find((other) => beside(other) && holds(other))
  if (holder === undefined) return
  return yield* refuse(
    deviceID,
    `its MAC address ${device.mac} is that of ${describeLink(holder)} too, and could not be restored if this failed`,
    `give the device an address of its own first, or leave "mac" out`
  )
})

const refuse = (deviceID: string, why: string, advice: string) =>
  new CniError({ code: codes.invalidConfig, msg: `deviceID "${deviceID}" cannot be attached: ${why}`, details: advice })
