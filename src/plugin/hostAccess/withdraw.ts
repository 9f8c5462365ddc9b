/** DEL, and an ADD that failed: the routes of one attachment go, and with the last of a link's routes the link. */
import * as Effect from "effect/Effect"
import { hostRouteProtocol, isHostLink } from "../../cni/identity/hostAccess.ts"
import type { Route } from "../../link/Route.ts"
import type { NetlinkError } from "../../services/NetlinkService.ts"
import type { Place } from "../link/place.ts"
import { locked } from "./locked.ts"

/** Takes the routes with that metric. Nothing has to be known of the pod, which may be long gone. */
export const withdraw = (host: Place, metric: number, idle?: ReadonlyArray<string>) =>
  withdrawWhere(host, (route) => route.priority === metric, idle)

/** Takes those of our routes for which it holds. `idle` are names of links that go too, where no route goes by them. */
export const withdrawWhere = Effect.fnUntraced(function* (
  host: Place,
  isStale: (route: Route) => boolean,
  idle: ReadonlyArray<string> = []
) {
  // Most have nothing to take: they need no lock to learn it.
  if (idle.length === 0 && !(yield* ours(host)).some(isStale)) return
  yield* locked(
    host,
    Effect.gen(function* () {
      const all = yield* ours(host)
      const stale = all.filter(isStale)
      for (const route of stale) yield* host.route.routeDel(route).pipe(isGone("ESRCH"))
      const left = new Set(all.filter((route) => !isStale(route)).map(({ dev }) => dev))
      const links: ReadonlyArray<string | number | undefined> = [...stale.map(({ dev }) => dev), ...idle]
      for (const link of new Set(links)) if (link !== undefined) yield* removeUnused(host, link, left)
    })
  )
})

const ours = (host: Place) => host.route.routeList({ protocol: hostRouteProtocol })

const isGone =
  (errno: string) =>
  (step: Effect.Effect<void, NetlinkError>): Effect.Effect<void, NetlinkError> =>
    Effect.catchIf(
      step,
      (error) => error.errno === errno,
      () => Effect.void
    )

/** The link, if it is ours: somebody may have put routes of that protocol on another. */
const removeUnused = Effect.fnUntraced(
  function* (host: Place, name: string | number, used: ReadonlySet<number | undefined>) {
    const link = yield* host.route.linkGet(name)
    if (used.has(link.index)) return
    const parent = yield* host.route.linkGet(link.parent?.index ?? 0)
    if (isHostLink(link, parent)) yield* host.route.linkDel(link.index)
  },
  Effect.catchTag("LinkNotFound", () => Effect.void)
)
