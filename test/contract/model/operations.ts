/** Operations that random sequences are made of, as data: drawn from small pools, so that they get in each other's way. */
import type { Random } from "./random.ts"

export type PlaceName = "host" | "c1" | "c2"

export const placeNames: ReadonlyArray<PlaceName> = ["host", "c1", "c2"]

/** Stand for ifindexes that a rig chooses, since /dev is one for all who make taps on this machine. */
export const slots: ReadonlyArray<number> = [1001, 1002, 1003, 1004]

interface Settings {
  readonly mac: string | undefined
  readonly mtu: number | undefined
  readonly up: boolean | undefined
  readonly allmulti: boolean | undefined
  readonly promisc: boolean | undefined
}

/**
 * A link to work on, as a number that is made one when the operation is performed: mostly one of those that were made,
 * seldom eth0 (90 to 93), loopback (94 to 96) or one that is not there.
 */
interface On {
  readonly on: number
}

export interface Add extends Settings {
  readonly _tag: "Add"
  /** Where the request is made, and the parent is. */
  readonly at: PlaceName
  readonly into: PlaceName
  readonly kind: string
  readonly mode: string
  readonly bcqueuelen: number | undefined
  readonly name: string
  readonly index: number | undefined
  readonly parent: number
}

export interface AddRoute extends On {
  readonly _tag: "AddRoute"
  readonly family: 4 | 6
  readonly dst: "default" | "net" | "host" | "host bits"
  readonly gw: "near" | "far" | "link-local" | undefined
  readonly scope: number | undefined
  readonly priority: number | undefined
  readonly table: number | undefined
}

export type Operation =
  | Add
  | AddRoute
  | (On & Settings & { readonly _tag: "Set"; readonly name: string | undefined; readonly alias: string | undefined })
  | (On & { readonly _tag: "SetMode"; readonly kind: string; readonly mode: string; readonly mtu: number | undefined })
  | (On &
      Settings & {
        readonly _tag: "Move"
        readonly to: PlaceName
        readonly newIndex: number | undefined
        readonly name: string | undefined
      })
  | (On & { readonly _tag: "Delete" })
  | { readonly _tag: "Get"; readonly at: PlaceName; readonly link: string | number }
  | (On & { readonly _tag: "AddAddress"; readonly family: 4 | 6; readonly host: number; readonly prefix: number })
  | {
      readonly _tag: "Sysctl"
      readonly at: PlaceName
      readonly scope: string
      readonly key: string
      readonly value: string
    }
  | { readonly _tag: "Give"; readonly index: number; readonly owner: number }
  /** Ends c2's namespace, with all that is in it, and puts a new one in its place. */
  | { readonly _tag: "Replace" }
  /** wire0 or eth0. */
  | { readonly _tag: "DeleteParent"; readonly index: number }

const names = ["a", "b", "c", "d"]
const allNames = [...names, ...names, ...names, ...names, "eth0", "lo", "x%d", "x/y", "..", "", "sixteen-letters-"]
const modes = ["bridge", "bridge", "bridge", "bridge", "vepa", "private", "passthru", "source"]
const kinds = ["macvtap", "macvtap", "macvlan"]
const [first, second, parents] = ["02:00:00:00:00:01", "02:00:00:00:00:02", "02:00:00:00:00:ee"]
const macs = [first, second, first, second, first, second, parents, "01:00:5e:00:00:01"]
const mtus = [1500, 1400, 1300, 1280, 1400, 1300, 1500, 1400, 1279, 68, 67, 1501, 65536]

const settings = ({ maybe }: Random): Settings => ({
  mac: maybe(macs),
  mtu: maybe(mtus),
  up: maybe([true, true, true, false]),
  allmulti: maybe([true, false]),
  promisc: maybe([true, false])
})

const nothing: Settings = { mac: undefined, mtu: undefined, up: undefined, allmulti: undefined, promisc: undefined }

/** What will most likely succeed, so that the others have something to work on. */
const easyAdd = ({ pick, maybe }: Random): Add => ({
  ...nothing,
  _tag: "Add",
  at: "host",
  into: pick(placeNames),
  kind: pick(kinds),
  mode: "bridge",
  bcqueuelen: undefined,
  name: pick(names),
  index: pick(slots),
  parent: 3,
  up: maybe([true])
})

const anyAdd = (random: Random): Add => {
  const { pick, maybe } = random
  return {
    ...settings(random),
    _tag: "Add",
    at: pick(["host", "host", "host", "host", "host", "c1"]),
    into: pick(placeNames),
    kind: pick(kinds),
    mode: pick(modes),
    bcqueuelen: maybe([10, 2000]),
    name: pick(allNames),
    index: pick([...slots, ...slots, undefined, 3]),
    parent: pick([3, 3, 3, 3, 3, 3, 3, 3, 3, 3, ...slots, 1, 2, 99])
  }
}

type Draw = (random: Random) => Operation

const on = ({ below }: Random) => ({ on: below(100) })

const set: Draw = (random) => ({
  ...{ _tag: "Set", ...on(random), ...settings(random) },
  name: random.maybe(allNames),
  alias: random.maybe(["mine", "mine", "", "x".repeat(256)])
})

const setMode: Draw = (random) => ({
  ...{ _tag: "SetMode", ...on(random), kind: random.pick(kinds) },
  ...{ mode: random.pick(modes), mtu: random.maybe(mtus) }
})

const move: Draw = (random) => ({
  ...{ _tag: "Move", ...on(random), ...settings(random), to: random.pick(placeNames) },
  newIndex: random.maybe([...slots, 1, 3]),
  name: random.maybe(allNames)
})

const remove: Draw = (random) => ({ _tag: "Delete", ...on(random) })

const get: Draw = ({ pick }) => ({ _tag: "Get", at: pick(placeNames), link: pick([...allNames, ...slots, 99]) })

const addAddress: Draw = (random) => ({
  ...{ _tag: "AddAddress", ...on(random), family: random.pick([4, 6]), host: random.pick([1, 2, 3]) },
  prefix: random.pick([24, 64, 24, 64, 24, 64, 16, 32, 32, 33, 128, 129])
})

const addRoute: Draw = (random) => ({
  ...{ _tag: "AddRoute", ...on(random), family: random.pick([4, 6]) },
  dst: random.pick(["default", "net", "host", "default", "net", "host", "host bits"]),
  gw: random.maybe(["near", "near", "near", "far", "link-local"]),
  scope: random.pick([undefined, undefined, undefined, 0, 253]),
  priority: random.maybe([0, 100]),
  table: random.maybe([254, 1000])
})

const sysctl: Draw = ({ pick }) => ({
  ...{ _tag: "Sysctl", at: pick(placeNames), scope: pick([...names, "lo", "all", "default"]) },
  key: pick(["ipv6/disable_ipv6", "ipv6/keep_addr_on_down", "ipv4/arp_notify"]),
  value: pick(["0", "1", "1", "nonsense"])
})

const give: Draw = ({ pick }) => ({ _tag: "Give", index: pick(slots), owner: pick([107, 0]) })

const replace: Draw = () => ({ _tag: "Replace" })

const removeParent: Draw = ({ pick }) => ({ _tag: "DeleteParent", index: pick([2, 3]) })

/** How often each is drawn, against the others. */
const weights: ReadonlyArray<readonly [number, Draw]> = [
  [14, easyAdd],
  [12, anyAdd],
  [16, set],
  [4, setMode],
  [11, move],
  [5, remove],
  [3, get],
  [11, addAddress],
  [11, addRoute],
  [6, sysctl],
  [4, give],
  [1, replace],
  [1, removeParent]
]

const draws = weights.flatMap(([weight, draw]) => Array.from({ length: weight }, () => draw))

/** So many operations, the first ones such that there are links. */
export const sequence = (random: Random, length: number): ReadonlyArray<Operation> =>
  Array.from({ length }, (_, step) => (step < 3 ? easyAdd(random) : random.pick(draws)(random)))
