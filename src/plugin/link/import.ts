/**
 * Import: a macvtap that exists (a device plugin's, or a person's) is configured and moved into the container in one
 * request, and put back exactly as it was when the ADD fails.
 */

import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { CniError, codes } from "../../cni/call/CniError.ts"
import { describeAlias } from "../../cni/identity/alias.ts"
import { byteLength, longestLinkName } from "../../cni/identity/names.ts"
import { deviceName } from "../../devices/deviceName.ts"
import type { Link } from "../../link/Link.ts"
import type { LinkChange } from "../../link/LinkSpec.ts"
import { tracedRollback } from "../../observe/span.ts"
import { TapService } from "../../services/TapService.ts"
import { ConfigService } from "../ConfigService.ts"
import { explainRefusal } from "../refusal/explain.ts"
import { describeLink, onParent } from "../refusal/obstacle.ts"
import { ownIndexes } from "./own.ts"
import { checkMtu, findParent, lowerOf } from "./parent.ts"
import type { Place } from "./place.ts"
import { putBack, upLast } from "./putBack.ts"
import { configuredSettings } from "./settings.ts"
import { foreignNode, giveTapNode, judgeNode } from "./tapNode.ts"

/** `ip link set <device> netns <container> name <ifname> …`, one request, with a tap node of its own there. */
export const importLink = Effect.fnUntraced(function* (host: Place, container: Place, deviceID: string) {
  const { network } = yield* ConfigService
  const settings = yield* configuredSettings
  const device = yield* findDevice(host, deviceID)
  const parent = yield* checkDevice(host, device, deviceID)
  yield* checkMac(host, device, parent, deviceID)
  const before = yield* judgeNode(host.netns, device)
  const index = yield* chooseIndex(container, device, before._tag !== "Foreign")
  // Registered before the request: the kernel works through it attribute by attribute and does not undo the first ones
  // when a later one is refused (a MAC in use is found last, after the move).
  yield* Effect.addFinalizer((exit) =>
    Exit.isSuccess(exit)
      ? Effect.void
      : tracedRollback("device")(
          putBack(host, container, device, index, before._tag === "Own" ? before.node : undefined)
        )
  )
  const { up, ...down } = settings
  const separately = upLast(network.kind, device) && up === true
  const change = {
    ...(separately ? down : settings),
    kind: network.kind,
    netns: container.netns,
    newIndex: index
  } satisfies LinkChange
  yield* Effect.andThen(
    host.route.linkSet(device.index, change),
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
  if (verdict._tag === "Foreign") return yield* foreignNode(verdict.node, link)
  yield* giveTapNode(verdict, link)
  return link
})

/**
 * The host's link that the device ID names: by its own name, else by the name that kubevirt/macvtap-cni's device plugin
 * gives it ("mvt" and 12 hex digits of its hash).
 */
const findDevice = Effect.fnUntraced(function* (host: Place, deviceID: string) {
  const hashed = deviceName(deviceID)
  // A name of over 15 bytes (IFNAMSIZ) is no link's; the kernel would answer ERANGE.
  const names = byteLength(deviceID) <= longestLinkName ? [deviceID, hashed] : [hashed]
  return yield* Effect.firstSuccessOf(names.map((name) => host.route.linkGet(name))).pipe(
    Effect.catchTag("LinkNotFound", () =>
      refuse(
        deviceID,
        `there is no link "${deviceID}" on this node, nor "${hashed}"`,
        `a pod gets a deviceID by requesting the resource that the network attachment names ` +
          `(annotation k8s.v1.cni.cncf.io/resourceName); is the device plugin running, and was the link moved or deleted?`
      )
    )
  )
})

/** Only a link of the network's kind is taken, on the network's master, and only one that no attachment holds. */
const checkDevice = Effect.fnUntraced(function* (host: Place, device: Link, deviceID: string) {
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
  const local = device.parent !== undefined && device.parent.netnsid === undefined ? device.parent.index : undefined
  const parent = local === undefined ? undefined : yield* host.route.linkGet(local)
  const master = link.master === undefined ? undefined : yield* findParent(host.route)
  if (master !== undefined && lowerOf(master).index !== local) {
    return yield* refuse(
      deviceID,
      `its master is ${parent === undefined ? "in another network namespace" : `"${parent.name}"`}, not "${link.master}"`,
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
const checkMac = Effect.fnUntraced(function* (host: Place, device: Link, parent: Link | undefined, deviceID: string) {
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

/**
 * An ifindex in the container under which the link keeps a tap node of its own. Its present one where it can: the
 * kubelet has opened `/dev/tap<ifindex>` to the container under that name.
 */
const chooseIndex = Effect.fnUntraced(function* (container: Place, device: Link, ownNode: boolean) {
  const tap = yield* TapService
  for (const index of [...(ownNode ? [device.index] : []), ...ownIndexes(yield* ConfigService)]) {
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
