/**
 * An imported device goes back to the host as it was: namespace, ifindex, name, mode, MAC, MTU, flags, alias, and whose
 * its node was. What cannot be restored, since somebody took it meanwhile, hinders nothing else.
 */

import * as Effect from "effect/Effect"
import type { Link, LinkOptions } from "../../link/Link.ts"
import type { LinkKind } from "../../link/LinkKind.ts"
import type { LinkChange } from "../../link/LinkSpec.ts"
import { LogService } from "../../services/LogService.ts"
import { LinkNotFound, type NetlinkError } from "../../services/NetlinkService.ts"
import { type DeviceNumber, type TapError, type TapNode, TapService } from "../../services/TapService.ts"
import { ConfigService } from "../ConfigService.ts"
import { ownAlias } from "../link/own.ts"
import { isOn } from "../link/parent.ts"
import type { Place } from "../link/place.ts"
import { judgeNode } from "../link/tapNode.ts"

/** What is known of a device that is being taken, beside what it was. */
export interface Taken {
  /** The ifindex that it was to have in the container. */
  readonly index: number
  /** What its tap node was. */
  readonly node: TapNode | undefined
  /** The number that it got there. */
  number?: DeviceNumber
}

/** Puts the device back, wherever it is. Never fails: what went wrong is logged, in words. */
export const putBack = (
  host: Place,
  container: Place,
  device: Link,
  taken: Taken
): Effect.Effect<void, never, ConfigService | TapService> =>
  Effect.gen(function* () {
    const { log } = yield* LogService
    const link = yield* restore(host, container, device, taken)
    const lost = losses(device, link)
    if (lost.length > 0)
      yield* log("error", () => `${device.name} is back on the host, but ${lost.join(", ")}: taken meanwhile`)
    if (taken.node === undefined) return
    // A move makes the node anew, root's, and with another number; it goes back to whom it was given.
    const verdict = yield* judgeNode(host.netns, link)
    if (verdict._tag === "Own") yield* (yield* TapService).give(verdict.node, taken.node)
  }).pipe(
    Effect.catch((error) =>
      Effect.flatMap(LogService, ({ log }) =>
        log("error", () => `could not put back ${device.name}: ${inWords(error)}`)
      )
    )
  )

/**
 * One request where all is well. A refused one is done up to what was refused (a move comes first, then MAC, MTU, name,
 * alias, flags), so the device is looked for again before the rest is tried.
 */
const restore = Effect.fnUntraced(function* (host: Place, container: Place, device: Link, taken: Taken) {
  const { network, attachment } = yield* ConfigService
  const last = upLast(network.kind, device)
  let rest: LinkChange | undefined = {
    kind: network.kind,
    name: device.name,
    mtu: device.mtu,
    alias: device.alias ?? "",
    ...(last ? {} : { up: device.up }),
    allmulti: device.allmulti,
    promisc: device.promisc,
    options: settable(network.kind, device.options),
    ...(device.mac === undefined ? {} : { mac: device.mac }),
    newIndex: device.index
  }
  const names = new Set<string | number>([device.index, device.name, attachment.ifname])
  while (rest !== undefined) {
    const change: LinkChange = rest
    const inContainer = yield* findTaken(host, container, device, taken)
    const link = inContainer ?? (yield* findOn(host, device, [...names]))
    if (link === undefined) return yield* new LinkNotFound({ link: device.name })
    names.add(link.name)
    const { newIndex: _, ...here } = change
    const request =
      inContainer === undefined
        ? host.route.linkSet(link.index, here)
        : container.route.linkSet(link.index, { ...change, netns: host.netns })
    const done = yield* Effect.result(request)
    if (done._tag === "Success") break
    rest = done.failure._tag === "NetlinkError" ? without(change, done.failure) : undefined
    if (rest === undefined) return yield* Effect.fail(done.failure)
  }
  const back = yield* findOn(host, device, [...names])
  if (back === undefined) return yield* new LinkNotFound({ link: device.name })
  if (!last) return back
  yield* host.route.linkSet(back.index, { up: device.up })
  return yield* host.route.linkGet(back.index)
})

/** Whether the device's other flags have to be set before it goes up. */
export const upLast = (kind: LinkKind, device: Link): boolean => kind.upLast?.(device.options) === true

/** The options that a request can set again: those that configurations can name. */
const settable = (kind: LinkKind, options: LinkOptions): LinkOptions =>
  Object.fromEntries(Object.entries(options).filter(([name]) => kind.attributes[name]?.key !== undefined))

/**
 * The device in the container, whatever it is called there by now: by its number and its parent. Names, addresses,
 * aliases and ifindexes are for whoever is root there to arrange; a link on the host's own parent is not.
 */
const findTaken = Effect.fnUntraced(function* (host: Place, container: Place, device: Link, taken: Taken) {
  const { deviceNumber } = yield* TapService
  for (const link of yield* container.route.linkList) {
    if (link.kind !== device.kind || !(yield* isOn(container, link, host, device.parent?.index))) continue
    const number =
      taken.number === undefined
        ? undefined
        : yield* Effect.catch(deviceNumber(container.netns, link), () => Effect.succeed(undefined))
    // Where no sysfs can be mounted its parent has to do.
    if (number === undefined ? link.index === taken.index : number === taken.number) return link
  }
  return undefined
})

/** The first of those links of the host that is the device, which may have been put back in part. */
const findOn = Effect.fnUntraced(function* (host: Place, device: Link, links: ReadonlyArray<string | number>) {
  const config = yield* ConfigService
  const looksLikeIt = (link: Link): boolean =>
    [device.name, config.attachment.ifname].includes(link.name) ||
    (link.alias !== undefined && [ownAlias(config), device.alias].includes(link.alias)) ||
    (link.mac !== undefined && [config.link.mac, device.mac].includes(link.mac))
  for (const name of links) {
    const link = yield* host.route.linkGet(name).pipe(Effect.catchTag("LinkNotFound", () => Effect.succeed(undefined)))
    if (link === undefined || link.kind !== device.kind) continue
    if ((yield* isOn(host, link, host, device.parent?.index)) && looksLikeIt(link)) return link
  }
  return undefined
})

/** The request without what the kernel refused; undefined where nothing can be left out. */
const without = (change: LinkChange, { errno }: NetlinkError): LinkChange | undefined => {
  const { newIndex, ...anyIndex } = change
  const { mac, ...anyMac } = change
  const { up, ...down } = change
  const { name, ...anyName } = change
  if (errno === "EBUSY" && newIndex !== undefined) return anyIndex
  if (errno === "EADDRINUSE" && mac !== undefined) return anyMac
  // Going up with an address that an up link has.
  if (errno === "EADDRINUSE" && up === true) return down
  if (errno === "EEXIST" && name !== undefined) return anyName
  return undefined
}

/** What of the device is not as it was, in words. */
const losses = (device: Link, link: Link): ReadonlyArray<string> =>
  (
    [
      ["name", link.name, device.name],
      ["ifindex", link.index, device.index],
      ["MAC address", link.mac, device.mac],
      ["state", link.up ? "up" : "down", device.up ? "up" : "down"]
    ] as const
  ).flatMap(([what, is, was]) => (is === was ? [] : [`its ${what} is ${is}, not ${was}`]))

const inWords = (error: NetlinkError | LinkNotFound | TapError): string => {
  switch (error._tag) {
    case "LinkNotFound":
      return "it is neither on the host nor in the container any more"
    case "NetlinkError":
      return `${error.operation}: ${error.extack ?? "refused by the kernel"} (${error.errno})`
    case "TapError":
      return `${error.operation} ${error.path}: ${error.errno}`
  }
}
