/** What is attached on this node: every link of our kinds in every namespace that can be found, and whose it is. */
import { join } from "node:path"
import * as Effect from "effect/Effect"
import { hostLinkPrefix, hostRouteProtocol } from "../../cni/identity/hostAccess.ts"
import { kindByName } from "../../link/kinds.ts"
import type { Link } from "../../link/Link.ts"
import type { Netns } from "../../link/Netns.ts"
import type { Route } from "../../link/Route.ts"
import { NetlinkService } from "../../services/NetlinkService.ts"
import { NetnsService } from "../../services/NetnsService.ts"
import { type DeviceNumber, TapService } from "../../services/TapService.ts"
import { identifyBy, type Ownership } from "../records/owners.ts"
import { type Records, readRecords } from "../records/records.ts"
import { readFolder } from "./files.ts"

/** A link of a kind that we make, in whichever namespace. */
export interface FoundLink {
  readonly link: Link
  /** The namespace's path. */
  readonly netns: string
  readonly inHost: boolean
  /** `<device>:<inode>` of the namespace. */
  readonly netnsId: string
  /** undefined where the link is nobody's attachment. */
  readonly ownership?: Ownership
  /** The parent's name; undefined where it is in a namespace that is not looked at. */
  readonly parent?: string
  /** The number of the link's character device, where it has one and it could be asked. */
  readonly device?: DeviceNumber
}

export interface Inventory {
  /** All links of the host's namespace, of whatever kind. */
  readonly host: ReadonlyArray<Link>
  /** The links of our kinds, everywhere. */
  readonly links: ReadonlyArray<FoundLink>
  /** Namespaces that could not be looked into, and why: `/proc/7/ns/net: EACCES`. */
  readonly unseen: ReadonlyArray<string>
  readonly records: Records
  /** Those that `"hostAccess": true` has made. */
  readonly hostRoutes: ReadonlyArray<Route>
}

/**
 * Looks into every namespace of the node whose files are below `root`, one after the other. One that ends meanwhile is left
 * out; one that is closed to us is told.
 */
export const takeInventory = Effect.fn("takeInventory")(function* (root: string) {
  const service = yield* NetnsService
  const current = yield* service.current
  const route = yield* (yield* NetlinkService).connect(current)
  const links = yield* route.linkList
  // Before the containers are looked into: whoever has a route by then is seen there.
  const hostRoutes = links.some(({ name }) => name.startsWith(hostLinkPrefix))
    ? yield* route.routeList({ protocol: hostRouteProtocol })
    : []
  const records = readRecords(root)
  const host: Host = { id: current.id, links, identify: identifyBy(root, records) }
  const found: Array<FoundLink> = []
  const unseen: Array<string> = []
  const ids = new Set<string>()
  for (const path of [...named(root), ...(yield* service.list)]) {
    const seen = yield* service.open(path).pipe(
      Effect.flatMap((netns) => {
        if (ids.has(netns.id)) return Effect.succeed([])
        ids.add(netns.id)
        return look(netns, host)
      }),
      Effect.scoped,
      Effect.catchTag(["NetnsNotFound", "NotANetns"], () => Effect.succeed([])),
      Effect.catch(({ errno }) => {
        if (errno !== "ENOENT" && errno !== "ESRCH") unseen.push(`${path}: ${errno}`)
        return Effect.succeed([])
      })
    )
    found.push(...seen)
  }
  return { host: links, links: found, unseen, records, hostRoutes } satisfies Inventory
}, Effect.scoped)

/** Namespaces with a name on a node whose files are elsewhere; those of its processes are known anyway. */
const named = (root: string): ReadonlyArray<string> =>
  join(root, "/") === "/" ? [] : readFolder(join(root, "run/netns")).map(({ name }) => join(root, "run/netns", name))

interface Host {
  readonly id: string
  readonly links: ReadonlyArray<Link>
  readonly identify: ReturnType<typeof identifyBy>
}

/** The links of one open namespace. */
const look = Effect.fnUntraced(function* (netns: Netns, host: Host) {
  const route = yield* (yield* NetlinkService).connect(netns)
  const own = yield* route.linkList
  const found: Array<FoundLink> = []
  for (const link of own.filter(({ kind }) => kindByName(kind ?? "") !== undefined)) {
    const place = { link, netns: netns.path, netnsId: netns.id, inHost: netns.id === host.id }
    const ownership = host.identify(place)
    const parent = parentName(link, own, host.links)
    const device = yield* deviceOf(netns, link)
    found.push({
      ...place,
      ...(ownership === undefined ? {} : { ownership }),
      ...(parent === undefined ? {} : { parent }),
      ...(device === undefined ? {} : { device })
    })
  }
  return found
})

/** Parents of a container's links are in the host's namespace, unless the kernel says "in the same one". */
const parentName = (link: Link, own: ReadonlyArray<Link>, host: ReadonlyArray<Link>): string | undefined => {
  const { parent } = link
  if (parent === undefined) return undefined
  const among = parent.netnsid === undefined ? own : host
  return among.find(({ index }) => index === parent.index)?.name
}

const deviceOf = Effect.fnUntraced(function* (netns: Netns, link: Link) {
  if (kindByName(link.kind ?? "")?.device !== "tap") return undefined
  const taps = yield* TapService
  // Where no sysfs can be mounted the number stays unknown.
  return yield* taps.deviceNumber(netns, link).pipe(Effect.orElseSucceed(() => undefined))
})
