/**
 * Numbers of taps are given out by the kernel, the lowest free one first, and nobody can ask for one. One that somebody
 * may still open is kept from the next link by a link that has it meanwhile.
 */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import type { LinkOptions } from "../link/Link.ts"
import { macvtap } from "../link/macvtap.ts"
import type { Netns } from "../link/Netns.ts"
import { veth } from "../link/veth.ts"
import { NetlinkService, type Rtnetlink } from "../services/NetlinkService.ts"
import { NetnsService } from "../services/NetnsService.ts"
import { type DeviceNumber, TapService } from "../services/TapService.ts"

/** More than that many numbers were in question at once. */
export class NoFreeNumber extends Data.TaggedError("NoFreeNumber")<{ readonly tried: number }> {}

/** As many as a resource can have devices. */
const most = 4096

/** Where placeholders are made: on a link of a namespace, whose sysfs tells their numbers. */
export interface Stand {
  readonly netns: Netns
  readonly route: Rtnetlink
  readonly parent: number
  readonly options: LinkOptions
  /** What is written on each; nothing where nobody can see them. */
  readonly alias?: string
}

/** [2^28, 2^29) is nobody's else: the kernel's own names of tap nodes shall not be taken by what is gone in a moment. */
const firstIndex = 2 ** 28

/**
 * Makes placeholders until one gets a number that nobody else may open, and gives that one up, so that the next link gets
 * it. The others stay; answers their ifindexes.
 */
export const holdBack = Effect.fnUntraced(function* <E, R>(
  stand: Stand,
  mayBeOpened: (number: DeviceNumber) => Effect.Effect<boolean, E, R>
) {
  const { netns, route, alias } = stand
  const tap = yield* TapService
  const start = firstIndex + Math.floor(Math.random() * (firstIndex - most))
  const held: Array<number> = []
  for (let index = start; index < start + most; index++) {
    const name = `mvh${(index % 2 ** 28).toString(36)}`
    yield* route.linkAdd({ kind: macvtap, name, index, parent: stand.parent, options: stand.options })
    if (alias !== undefined) yield* Effect.catchTag(route.linkSet(index, { alias }), "LinkNotFound", () => Effect.void)
    held.push(index)
    if (yield* mayBeOpened(yield* tap.deviceNumber(netns, { name, index }))) continue
    yield* Effect.catchTag(route.linkDel(index), "LinkNotFound", () => Effect.void)
    return held.slice(0, -1)
  }
  return yield* new NoFreeNumber({ tried: most })
})

/**
 * The same until the scope ends, where nobody sees it: in a namespace of its own, which ends with this process however
 * that ends.
 */
export const holdBackUnseen = Effect.fnUntraced(function* <E, R>(
  mayBeOpened: (number: DeviceNumber) => Effect.Effect<boolean, E, R>
) {
  const netns = yield* (yield* NetnsService).fresh
  const route = yield* (yield* NetlinkService).connect(netns)
  yield* route.linkAdd({ kind: veth, name: "stand" })
  const parent = (yield* route.linkGet("stand")).index
  yield* holdBack({ netns, route, parent, options: { mode: "bridge" } }, mayBeOpened)
})
