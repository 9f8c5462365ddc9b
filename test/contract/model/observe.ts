/** What can be seen of a world through its services, as lines of text; what is the kernel's own choice is left open. */

import * as Effect from "effect/Effect"
import type { Address } from "../../../src/link/Address.ts"
import type { Link } from "../../../src/link/Link.ts"
import { TapService } from "../../../src/services/TapService.ts"
import { routeText } from "../addresses.ts"
import type { Place } from "../inWorld.ts"
import { slots } from "./operations.ts"
import type { PlacesByName } from "./Rig.ts"

/** Carriers come and go in the background, so `running` is not compared; nor are random MACs and numbers of namespaces. */
const linkText = (link: Link, base: number): string => {
  const { index, name, kind, mac, mtu, minMtu, maxMtu, up, promisc, allmulti, alias, parent, controller, options } =
    link
  return JSON.stringify({
    index: index > base ? index - base : index,
    name,
    kind,
    mac: mac?.startsWith("02:00:00:00:00:") || mac === "00:00:00:00:00:00" ? mac : "random",
    mtu: [mtu, minMtu, maxMtu],
    flags: [up && "up", promisc && "promisc", allmulti && "allmulti"].filter(Boolean).join(),
    alias,
    parent:
      parent &&
      `${parent.index > base ? parent.index - base : parent.index}${parent.netnsid === undefined ? "" : " elsewhere"}`,
    controller,
    options: Object.entries(options).sort()
  })
}

/** Link-local addresses appear when the carrier does. */
const addressTexts = (addresses: ReadonlyArray<Address>): ReadonlyArray<string> =>
  addresses
    .filter(({ address }) => !address.startsWith("fe80:"))
    .map(({ address, prefix }) => `${address}/${prefix}`)
    .sort()

const observePlace = Effect.fnUntraced(function* (at: string, { route }: Place, base: number) {
  const lines: Array<string> = []
  const links = yield* route.linkList
  for (const link of [...links].sort((a, b) => a.index - b.index)) {
    lines.push(`${at} link ${linkText(link, base)}`)
    for (const text of addressTexts(yield* route.addressList(link.index))) lines.push(`${at} ${link.name} ${text}`)
  }
  const names = new Map(links.map(({ index, name }) => [index, name]))
  const routes = (yield* route.routeList())
    .filter(({ dst }) => !dst.startsWith("fe80:"))
    .map((one) => `${at} route ${routeText(one)} dev ${names.get(one.dev ?? 0)}`)
  return [...lines, ...routes.sort()]
})

/** Whose the nodes are: the numbers themselves depend on what else there is on the machine. */
const observeNodes = Effect.fnUntraced(function* (places: PlacesByName, base: number) {
  const { node, deviceNumber } = yield* TapService
  const owners = new Map<string, string>()
  for (const [at, { netns, route }] of Object.entries(places)) {
    for (const link of yield* route.linkList) {
      if (link.kind === "macvtap") owners.set(yield* deviceNumber(netns, link), `${at} ${link.name}`)
    }
  }
  const lines: Array<string> = []
  for (const slot of slots) {
    const found = yield* node(base + slot)
    if (found === undefined) continue
    lines.push(
      `node ${slot} of ${owners.get(found.device) ?? "nobody"} ${found.owner}:${found.group} ${found.mode.toString(8)}`
    )
  }
  return lines
})

export const observe = Effect.fnUntraced(function* (places: PlacesByName, base: number) {
  const lines: Array<string> = []
  for (const [at, place] of Object.entries(places)) lines.push(...(yield* observePlace(at, place, base)))
  lines.push(...(yield* observeNodes(places, base)))
  return lines
}, Effect.orDie)
