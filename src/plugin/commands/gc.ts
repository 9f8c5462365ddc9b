/**
 * GC: removes this network's links whose attachment is no longer valid. Which those are the links' ifindexes and names
 * say, what was written down of a tap's number, and, for the rest, the aliases, which a pod can change.
 */
import * as Effect from "effect/Effect"
import { encodeAlias, isOfNetwork, readAlias } from "../../cni/identity/alias.ts"
import { candidates } from "../../cni/identity/ifindex.ts"
import type { Link } from "../../link/Link.ts"
import { LogService } from "../../services/LogService.ts"
import { NetnsService } from "../../services/NetnsService.ts"
import { type Claim, ReservationService } from "../../services/ReservationService.ts"
import { TapService } from "../../services/TapService.ts"
import { quote } from "../../wire/foreign.ts"
import { ipamCollect } from "../addresses/ipam.ts"
import { ConfigService } from "../ConfigService.ts"
import { givenMetrics, mendHostAccess, type Survivor } from "../hostAccess/mend.ts"
import { hostPlace, type Place, placeAt } from "../link/place.ts"
import { errorsOf, gathered } from "./gathered.ts"

/** Namespaces that are collected at once: a link that goes is waited for by another thread of an agent, others meanwhile. */
const atOnce = 32

export const gc = Effect.gen(function* () {
  const { network, link: config } = yield* ConfigService
  const netns = yield* NetnsService
  const { claims, unclaim } = yield* ReservationService
  const valid = new Set(
    network.validAttachments.map(({ containerID, ifname }) =>
      encodeAlias({ network: network.name, containerID, ifname })
    )
  )
  const isOver = (alias: string): boolean => isOfNetwork(alias, network.name) && !valid.has(alias)
  const isTap = network.kind.device === "tap"
  const known = isTap ? yield* Effect.catch(claims(), () => Effect.succeed([])) : []
  const over = known.filter(({ attachment }) => attachment !== undefined && isOver(attachment.alias))
  const host = config.hostAccess ? yield* hostPlace : undefined
  const given = host === undefined ? new Set<number>() : yield* givenMetrics(host)
  const survivors: Array<Survivor> = []
  const collected = yield* Effect.forEach(
    yield* netns.list,
    (path) => errorsOf(collect(path, { isOver, over }, survivors)),
    {
      concurrency: atOnce
    }
  )
  const errors = collected.flat()
  if (isTap) errors.push(...(yield* errorsOf(unclaim(isOver))))
  if (host !== undefined) errors.push(...(yield* errorsOf(mendHostAccess(host, given, survivors, valid))))
  errors.push(...(yield* errorsOf(ipamCollect)))
  yield* gathered(errors)
})

interface Over {
  readonly isOver: (alias: string) => boolean
  /** What attachments that are over claim. */
  readonly over: ReadonlyArray<Claim>
}

/**
 * Removes the stale links of one namespace, and adds those that stay to `survivors`. One that ends meanwhile takes its links
 * with it.
 */
const collect = Effect.fnUntraced(
  function* (path: string, what: Over, survivors: Array<Survivor>) {
    const { network, link: config } = yield* ConfigService
    const { log } = yield* LogService
    const place = yield* placeAt(path)
    const errors = []
    for (const link of yield* place.route.linkList) {
      if (yield* isStale(place, link, what)) {
        yield* log("info", () => `removing ${link.name} of ${path}: ${quote(link.alias ?? "")} is no longer valid`)
        const removed = place.route.linkDel(link.index).pipe(Effect.catchTag("LinkNotFound", () => Effect.void))
        errors.push(...(yield* errorsOf(removed)))
        continue
      }
      if (!config.hostAccess || !hasOwner(link)) continue
      const mended = link.parent?.netnsid !== undefined && isOfNetwork(link.alias, network.name)
      survivors.push(mended ? { link, addresses: yield* place.route.addressList(link.index) } : { link })
    }
    yield* gathered(errors)
  },
  Effect.scoped,
  Effect.catchTag(["NetnsNotFound", "NotANetns"], () => Effect.void)
)

const hasOwner = (link: Link): link is Survivor["link"] => readAlias(link.alias) !== undefined
const isStale = Effect.fnUntraced(function* (place: Place, link: Link, { isOver, over }: Over) {
  const { network } = yield* ConfigService
  if (link.kind !== network.kind.kind) return false
  const isValid = network.validAttachments.some(
    ({ containerID, ifname }) => link.name === ifname && candidates(containerID, ifname).includes(link.index)
  )
  if (isValid) return false
  if (link.alias !== undefined && isOver(link.alias)) return true
  const here = over.filter(({ attachment }) => attachment?.netnsID === place.netns.id)
  if (here.length === 0) return false
  const { deviceNumber } = yield* TapService
  const number = yield* Effect.catch(deviceNumber(place.netns, link), () => Effect.succeed(undefined))
  return here.some((claim) => claim.number === number)
})
