/** CHECK, of the link itself: it is this attachment's, and as the configuration and the result of ADD say. */
import * as Effect from "effect/Effect"
import type { CniError } from "../../cni/call/CniError.ts"
import type { LinkConf } from "../../cni/config/LinkConf.ts"
import type { ResultInterface } from "../../cni/result/Result.ts"
import type { Link } from "../../link/Link.ts"
import type { LinkKind } from "../../link/LinkKind.ts"
import { ReservationService } from "../../services/ReservationService.ts"
import { TapService } from "../../services/TapService.ts"
import { quote } from "../../wire/foreign.ts"
import { sameMac } from "../../wire/mac.ts"
import { ConfigService } from "../ConfigService.ts"
import { differs } from "../refusal/differs.ts"
import { ownAlias, reservedIndex } from "./own.ts"
import { checkMtu, findParent, isOn, lowerOf } from "./parent.ts"
import type { Place } from "./place.ts"
import { foreignNode, judgeNode } from "./tapNode.ts"

/** `entry` is the link's in the result of ADD. */
export const checkLink = Effect.fnUntraced(function* (
  host: Place,
  container: Place,
  link: Link,
  entry: ResultInterface
) {
  const config = yield* ConfigService
  const { network, link: asked } = config
  const difference =
    inIdentity(link, config) ??
    inOptions(link, network.kind, asked) ??
    inMac(link, entry, asked) ??
    inSize(link, asked) ??
    inFlags(link, asked)
  if (difference !== undefined) return yield* difference
  yield* checkParent(host, container, link)
  if (network.kind.device !== "tap") return
  yield* checkNode(container, link, asked)
  if (asked.deviceID !== undefined) yield* checkReservedNode(container, link, asked.deviceID)
})

// What differs, as an error; undefined where nothing does.

/** With another's alias it is another's; without one it was made by a plugin that writes none, if its MAC address is ADD's. */
const inIdentity = (link: Link, config: ConfigService["Service"]): CniError | undefined => {
  const { kind } = config.network.kind
  if (link.kind !== kind) {
    return differs(`link "${link.name}" is a ${link.kind ?? "hardware link"}, not a ${kind}`)
  }
  if (link.alias === undefined || link.alias === ownAlias(config)) return undefined
  return differs(
    `link "${link.name}" is not the one that was added for this attachment`,
    `its alias is ${quote(link.alias)}, but ADD wrote ${quote(ownAlias(config))}`
  )
}

/** Of a device that was imported, only what is configured: the rest it brought along. */
const inOptions = (link: Link, kind: LinkKind, asked: LinkConf): CniError | undefined => {
  for (const [name, { key, checked, default: fallback }] of Object.entries(kind.attributes)) {
    const expected = asked.options[name] ?? (asked.deviceID === undefined ? fallback : undefined)
    if (checked !== true || expected === undefined) continue
    const found = JSON.stringify(link.options[name])
    if (found !== JSON.stringify(expected)) {
      return differs(`link "${link.name}" has "${key ?? name}" ${found}, configured is ${JSON.stringify(expected)}`)
    }
  }
  return undefined
}

/** The result's counts before the configuration's: a later plugin of the chain (tuning) may have set another. */
const inMac = (link: Link, entry: ResultInterface, asked: LinkConf): CniError | undefined => {
  const [says, mac] = entry.mac === undefined ? ["configured is", asked.mac] : ["prevResult says", entry.mac]
  return mac === undefined || sameMac(mac, link.mac ?? "")
    ? undefined
    : differs(`link "${link.name}" has MAC address ${link.mac}, ${says} ${mac}`)
}

/**
 * Only a configured one: a later plugin of the chain may have set another (tuning), without a word of it in the result, and
 * CHECK "must allow for" that (SPEC).
 */
const inSize = (link: Link, { mtu }: LinkConf): CniError | undefined =>
  mtu === undefined || mtu === link.mtu
    ? undefined
    : differs(
        `link "${link.name}" has MTU ${link.mtu}, configured is ${mtu}`,
        "lowering the master's MTU lowers the link's for good; raising it again does not restore it"
      )

const inFlags = (link: Link, asked: LinkConf): CniError | undefined => {
  const off = (key: string): CniError => differs(`link "${link.name}" has "${key}" off, configured is on`)
  if (!link.up) return differs(`link "${link.name}" is down`)
  if (asked.allmulti && !link.allmulti) return off("allmulti")
  return asked.promisc && !link.promisc ? off("promiscMode") : undefined
}

/**
 * The link sits on the configured master: one that was recreated has another ifindex. Where none is configured it was the
 * default route's link at the time of ADD, and the default route may have gone elsewhere since, even to this very link.
 */
const checkParent = Effect.fnUntraced(function* (host: Place, container: Place, link: Link) {
  const { link: config } = yield* ConfigService
  if (config.master === undefined) return
  const place = config.linkInContainer && config.deviceID === undefined ? container : host
  const parent = yield* findParent(place.route)
  yield* checkMtu(config.mtu, parent)
  const lower = lowerOf(parent)
  const fits =
    lower.netnsid === undefined ? yield* isOn(container, link, place, lower.index) : link.parent?.index === lower.index
  if (!fits) {
    return yield* differs(
      `link "${link.name}" is not on master "${parent.name}"`,
      `its parent has ifindex ${link.parent?.index}, "${parent.name}" has ${parent.index}`
    )
  }
})

const checkNode = Effect.fnUntraced(function* (container: Place, link: Link, config: LinkConf) {
  const { owner, group } = config
  const verdict = yield* judgeNode(container.netns, link)
  if (verdict._tag === "Foreign") {
    // Of a device the kubelet opened a node of our own; the kernel's is had by whoever first makes a link of its ifindex.
    return link.index === reservedIndex(config) ? undefined : yield* foreignNode(verdict.node, link)
  }
  if (verdict._tag === "None") {
    return owner === undefined && group === undefined
      ? undefined
      : yield* differs(`link "${link.name}" has no tap node /dev/tap${link.index}`)
  }
  const { node } = verdict
  if (owner !== undefined && node.owner !== owner) {
    return yield* differs(`${node.path} belongs to user ${node.owner}, configured is ${owner}`)
  }
  if (group !== undefined && node.group !== group) {
    return yield* differs(`${node.path} belongs to group ${node.group}, configured is ${group}`)
  }
})

/** The node that the kubelet opened to the container; a device that is no more on offer, or cannot be told, has none to check. */
const checkReservedNode = Effect.fnUntraced(function* (container: Place, link: Link, deviceID: string) {
  const { holder, lookup } = yield* ReservationService
  const device = yield* lookup(deviceID).pipe(Effect.catch(() => Effect.succeed(undefined)))
  if (device === undefined) return
  const number = yield* (yield* TapService).deviceNumber(container.netns, link)
  const found = yield* holder(device)
  if (found?.path === device.node && found.device === number) return
  return yield* differs(
    `${device.node} is not the tap of link "${link.name}"`,
    `device "${deviceID}" has number ${number}; delete the attachment and add it again`
  )
})
