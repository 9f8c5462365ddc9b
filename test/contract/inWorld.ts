/** One test in a new world: its three namespaces opened, with a route socket in each. */

import { it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Link } from "../../src/link/Link.ts"
import { macvtap } from "../../src/link/macvtap.ts"
import type { Netns } from "../../src/link/Netns.ts"
import { type LinkNotFound, NetlinkError, NetlinkService, type Rtnetlink } from "../../src/services/NetlinkService.ts"
import { NetnsService } from "../../src/services/NetnsService.ts"
import { type ContractServices, type MakeWorld, parent, type World } from "./World.ts"

export interface Place {
  readonly netns: Netns
  readonly route: Rtnetlink
}

export interface Places {
  readonly world: World
  readonly host: Place
  readonly c1: Place
  readonly c2: Place
}

export const enter = Effect.fnUntraced(function* (path: string) {
  const netns = yield* (yield* NetnsService).open(path)
  return { netns, route: yield* (yield* NetlinkService).connect(netns) } satisfies Place
})

/** Registers a test with vitest. */
export const inWorld =
  (make: MakeWorld) =>
  (name: string, test: (places: Places) => Effect.Effect<void, unknown, ContractServices | Scope.Scope>): void =>
    it.live(name, () =>
      Effect.gen(function* () {
        const world = yield* make
        yield* Effect.gen(function* () {
          const [host, c1, c2] = [yield* enter(world.host), yield* enter(world.c1), yield* enter(world.c2)]
          yield* test({ world, host, c1, c2 })
        }).pipe(Effect.scoped, Effect.provide(world.layer))
      }).pipe(Effect.scoped)
    )

export type InWorld = ReturnType<typeof inWorld>

/** What a refused request is compared by: errno and the kernel's words, or `LinkNotFound`, or `ok`. */
export const outcome = <A, R>(
  request: Effect.Effect<A, NetlinkError | LinkNotFound, R>
): Effect.Effect<string, never, R> =>
  request.pipe(
    Effect.as("ok"),
    Effect.catch((error) =>
      Effect.succeed(
        error instanceof NetlinkError
          ? `${error.errno}${error.extack === undefined ? "" : ` ${error.extack.replace(/\.$/, "")}`}`
          : "LinkNotFound"
      )
    )
  )

/** `ip link add link eth0 name <name> index <index> type macvtap mode bridge` and whatever else is asked for. */
export const addTap = (
  place: Place,
  name: string,
  more: Partial<Parameters<Rtnetlink["linkAdd"]>[0]> = {}
): Effect.Effect<void, NetlinkError> =>
  place.route.linkAdd({ kind: macvtap, name, parent, options: { mode: "bridge" }, ...more })

/** Asks until it holds: what the kernel does in the background (carriers, namespaces that end) takes a moment. */
export const eventually = <R, E>(
  question: Effect.Effect<boolean, E, R>,
  attempts = 100
): Effect.Effect<boolean, E, R> =>
  question.pipe(
    Effect.flatMap((holds) =>
      holds || attempts === 0
        ? Effect.succeed(holds)
        : Effect.andThen(Effect.sleep(20), eventually(question, attempts - 1))
    )
  )

/** Names of the links of a place. */
export const namesIn = ({ route }: Place): Effect.Effect<ReadonlyArray<string>, NetlinkError> =>
  Effect.map(route.linkList, (links: ReadonlyArray<Link>) => links.map(({ name }) => name).sort())
