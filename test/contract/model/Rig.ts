/** A world to perform operations in, and to look at after each. */

import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import { kindByName } from "../../../src/link/kinds.ts"
import type { LinkChange, LinkSpec } from "../../../src/link/LinkSpec.ts"
import { macvtap } from "../../../src/link/macvtap.ts"
import type { Route } from "../../../src/link/Route.ts"
import { NetnsService } from "../../../src/services/NetnsService.ts"
import { TapService } from "../../../src/services/TapService.ts"
import { addTap, enter, eventually, outcome, type Place } from "../inWorld.ts"
import { type ContractServices, type MakeWorld, parent, type World } from "../World.ts"
import { observe } from "./observe.ts"
import { type Operation, type PlaceName, slots } from "./operations.ts"

/** Where a link is. */
export interface Target {
  readonly at: PlaceName
  readonly index: number
}

export interface Rig {
  /** `ok`, or what the refusal was. `target` is what the operation is `on`. */
  readonly perform: (operation: Operation, target: Target) => Effect.Effect<string>
  /** The link that the operation's `on` stands for at this moment. */
  readonly targetOf: (operation: Operation) => Effect.Effect<Target>
  /** Everything that can be seen, as text to compare. */
  readonly look: Effect.Effect<ReadonlyArray<string>>
}

export type PlacesByName = Record<PlaceName, Place>

const kindOf = (name: string) => kindByName(name) ?? macvtap

const withoutUndefined = <A extends object>(fields: A): A =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as A

/** The place's own networks: `10.<n>.0.0/16` and `fd0<n>::/64`. */
const network = { host: 0, c1: 1, c2: 2 }

const addressOf = (at: PlaceName, family: 4 | 6, host: number): string =>
  family === 4 ? `10.${network[at]}.0.${host}` : `fd0${network[at]}::${host}`

const destinations = {
  4: { default: ["0.0.0.0", 0], net: ["198.51.100.0", 24], host: ["192.0.2.1", 32], "host bits": ["198.51.100.7", 24] },
  6: { default: ["::", 0], net: ["fd90::", 64], host: ["fd91::1", 128], "host bits": ["fd90::7", 64] }
} as const

const gatewayOf = (at: PlaceName, family: 4 | 6, gw: "near" | "far" | "link-local"): string =>
  gw === "near" ? addressOf(at, family, 9) : family === 4 ? "203.0.113.1" : gw === "far" ? "fd99::1" : "fe80::99"

const routeOf = (operation: Extract<Operation, { _tag: "AddRoute" }>, { at, index: dev }: Target): Route => {
  const { family, gw, scope, priority, table } = operation
  const [dst, prefix] = destinations[family][operation.dst]
  return withoutUndefined({
    family,
    dst,
    prefix,
    dev,
    gw: gw && gatewayOf(at, family, gw),
    scope: family === 4 ? scope : undefined,
    priority,
    table
  }) as Route
}

const perform = Effect.fnUntraced(function* (
  places: PlacesByName,
  replace: Effect.Effect<void, never, ContractServices>,
  operation: Operation,
  target: Target
) {
  const { at, index } = target
  const netns = yield* NetnsService
  const tap = yield* TapService
  switch (operation._tag) {
    case "Add": {
      const { _tag, at, into, kind, mode, bcqueuelen, ...settings } = operation
      const options = withoutUndefined({ mode, bcqueuelen })
      const netns = at === into ? undefined : places[into].netns
      const spec = withoutUndefined({ ...settings, kind: kindOf(kind), netns, options })
      return yield* outcome(places[at].route.linkAdd(spec as LinkSpec))
    }
    case "Set": {
      const { _tag, on, ...change } = operation
      return yield* outcome(places[at].route.linkSet(index, withoutUndefined(change) as LinkChange))
    }
    case "SetMode": {
      const { kind, mode, mtu } = operation
      const change = withoutUndefined({ mtu, kind: kindOf(kind), options: { mode } })
      return yield* outcome(places[at].route.linkSet(index, change as LinkChange))
    }
    case "Move": {
      const { _tag, on, to, ...settings } = operation
      const change = withoutUndefined({ ...settings, netns: places[to].netns })
      return yield* outcome(places[at].route.linkSet(index, change as LinkChange))
    }
    case "Delete":
      return yield* outcome(places[at].route.linkDel(index))
    case "DeleteParent":
      return yield* outcome(places.host.route.linkDel(operation.index))
    case "Get":
      return yield* outcome(places[operation.at].route.linkGet(operation.link))
    case "AddAddress": {
      const { family, host, prefix } = operation
      const address = addressOf(at, family, host)
      return yield* outcome(places[at].route.addressAdd(index, { family, address, prefix }))
    }
    case "AddRoute":
      return yield* outcome(places[at].route.routeAdd(routeOf(operation, target)))
    case "Sysctl": {
      const { key, scope, value } = operation
      const path = `net/${key.replace("/", `/conf/${scope}/`)}`
      return yield* netns.sysctlSet(places[operation.at].netns, path, value).pipe(
        Effect.as("ok"),
        Effect.catch(({ errno }) => Effect.succeed(errno))
      )
    }
    case "Give": {
      const node = yield* Effect.orDie(tap.node(operation.index))
      if (node === undefined) return "no node"
      yield* Effect.orDie(tap.give(node, { owner: operation.owner, group: operation.owner, mode: 0o660 }))
      return "ok"
    }
    case "Replace":
      yield* replace
      return "ok"
  }
})

/** The data with a real ifindex in every slot. */
const atBase = <A extends object>(data: A, base: number): A =>
  Object.fromEntries(
    Object.entries(data).map(([key, value]) => [
      key,
      typeof value === "number" && slots.some((slot) => slot === value) ? base + value : value
    ])
  ) as A

/** One of the links that were made; loopback, eth0, or none, for the highest numbers. */
const findTarget = Effect.fnUntraced(function* (places: PlacesByName, base: number, operation: Operation) {
  const on = "on" in operation ? operation.on : 0
  const made: Array<Target> = []
  for (const at of ["host", "c1", "c2"] as const) {
    const links = yield* Effect.orDie(places[at].route.linkList)
    made.push(
      ...links
        .filter(({ kind }) => kind === "macvtap" || kind === "macvlan")
        .map(({ index }) => ({ at, index: index > base ? index - base : index }))
    )
  }
  const own = made[on % Math.max(1, made.length)]
  if (on < 90) return own ?? ({ at: "host", index: parent } as const)
  if (on < 94) return { at: "host", index: parent } as const
  // IPv4 forgets a loopback link of less than 68 bytes, which nobody has; the mock does not.
  if ("mtu" in operation && operation.mtu !== undefined) return own ?? ({ at: "c1", index: 99 } as const)
  return on < 97 ? ({ at: "c1", index: 1 } as const) : ({ at: "c1", index: 99 } as const)
})

/** Ends c2's namespace, with all that is in it, and puts a new one in its place. */
const replaceNamespace = (
  base: number,
  world: World,
  places: PlacesByName,
  enterC2: Effect.Effect<Place, never, ContractServices>,
  leaveC2: Effect.Effect<void>
) =>
  Effect.gen(function* () {
    // A link whose node shows when the namespace's links are gone: the kernel destroys them in the background.
    const canary = base
    const { node } = yield* TapService
    yield* Effect.ignore(addTap(places.host, "canary", { netns: places.c2.netns, index: canary }))
    yield* leaveC2
    yield* Effect.promise(() => world.scene.removeNetns(world.c2))
    yield* Effect.orDie(eventually(Effect.map(node(canary), (found) => found === undefined)))
    yield* Effect.sleep(30)
    yield* Effect.promise(() => world.scene.addNetns(world.c2))
    places.c2 = yield* enterC2
  })

/** `base` is added to the slots of operations, and shows in no answer. */
export const makeRig = Effect.fnUntraced(function* (make: MakeWorld, base: number) {
  const world = yield* make
  const context = yield* Layer.build(world.layer)
  const enterHere = (path: string) => Effect.provide(Effect.orDie(enter(path)), context)
  let scope = yield* Scope.make()
  yield* Effect.addFinalizer(() => Scope.close(scope, Exit.void))
  const enterC2 = Effect.suspend(() => Scope.provide(enterHere(world.c2), scope))
  const leaveC2 = Effect.gen(function* () {
    yield* Scope.close(scope, Exit.void)
    scope = yield* Scope.make()
  })
  const places: PlacesByName = {
    host: yield* enterHere(world.host),
    c1: yield* enterHere(world.c1),
    c2: yield* enterC2
  }
  // Known, so that they can be compared, and asked for.
  yield* Effect.orDie(places.host.route.linkSet(parent, { mac: "02:00:00:00:00:ee" }))
  yield* Effect.orDie(places.host.route.linkSet(2, { mac: "02:00:00:00:00:ef" }))
  const withoutBase = (text: string) => text.replace(/\d{5,}/g, (digits) => String(Number(digits) - base))
  const replace = replaceNamespace(base, world, places, enterC2, leaveC2)
  return {
    perform: (operation, target) =>
      perform(places, replace, atBase(operation, base), atBase(target, base)).pipe(
        Effect.map(withoutBase),
        Effect.provide(context)
      ),
    targetOf: (operation) => Effect.map(findTarget(places, base, operation), (target): Target => target),
    look: Effect.provide(observe(places, base), context)
  } satisfies Rig
})
