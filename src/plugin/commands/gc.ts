/** GC: removes this network's links whose attachment is no longer valid. The links' aliases are its only memory. */
import * as Effect from "effect/Effect"
import { encodeAlias, isOfNetwork, readAlias } from "../../cni/identity/alias.ts"
import type { Link } from "../../link/Link.ts"
import { LogService } from "../../services/LogService.ts"
import { NetnsService } from "../../services/NetnsService.ts"
import { ipamForward } from "../addresses/ipam.ts"
import { ConfigService } from "../ConfigService.ts"
import { givenMetrics, mendHostAccess, type Survivor } from "../hostAccess/mend.ts"
import { hostPlace, placeAt } from "../link/place.ts"
import { errorsOf, gathered } from "./gathered.ts"

/** Namespaces that are collected at once: each link that goes waits for a grace period, in which others can wait too. */
const atOnce = 32

export const gc = Effect.gen(function* () {
  const { network, link: config } = yield* ConfigService
  const netns = yield* NetnsService
  const valid = new Set(
    network.validAttachments.map(({ containerID, ifname }) =>
      encodeAlias({ network: network.name, containerID, ifname })
    )
  )
  const isStale = (link: Link): boolean =>
    link.kind === network.kind.kind &&
    link.alias !== undefined &&
    isOfNetwork(link.alias, network.name) &&
    !valid.has(link.alias)
  const host = config.hostAccess ? yield* hostPlace : undefined
  const given = host === undefined ? new Set<number>() : yield* givenMetrics(host)
  const survivors: Array<Survivor> = []
  const collected = yield* Effect.forEach(yield* netns.list, (path) => errorsOf(collect(path, isStale, survivors)), {
    concurrency: atOnce
  })
  const errors = collected.flat()
  if (host !== undefined) errors.push(...(yield* errorsOf(mendHostAccess(host, given, survivors, valid))))
  errors.push(...(yield* errorsOf(ipamForward("GC"))))
  yield* gathered(errors)
})

/**
 * Removes the stale links of one namespace, and adds those that stay to `survivors`. One that ends meanwhile takes its links
 * with it.
 */
const collect = Effect.fnUntraced(
  function* (path: string, isStale: (link: Link) => boolean, survivors: Array<Survivor>) {
    const { network, link: config } = yield* ConfigService
    const { log } = yield* LogService
    const { route } = yield* placeAt(path)
    const links = yield* route.linkList
    const errors = []
    for (const link of links.filter(isStale)) {
      yield* log("info", () => `removing ${link.name} of ${path}: ${link.alias} is no longer valid`)
      errors.push(
        ...(yield* errorsOf(route.linkDel(link.index).pipe(Effect.catchTag("LinkNotFound", () => Effect.void))))
      )
    }
    for (const link of links) {
      if (!config.hostAccess || isStale(link) || !hasOwner(link)) continue
      const mended = link.parent?.netnsid !== undefined && isOfNetwork(link.alias, network.name)
      survivors.push(mended ? { link, addresses: yield* route.addressList(link.index) } : { link })
    }
    yield* gathered(errors)
  },
  Effect.scoped,
  Effect.catchTag(["NetnsNotFound", "NotANetns"], () => Effect.void)
)

const hasOwner = (link: Link): link is Survivor["link"] => readAlias(link.alias) !== undefined
