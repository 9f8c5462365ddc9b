/** What may happen on a node with two pods: what either does in its namespaces, what the node does, and their order. */
import type { Random } from "../../contract/model/random.ts"

/** One of the two places that a pod may have. */
export type Slot = 0 | 1

/** What a pod is given: a link on the master, a device of a resource, or one that the device plugin makes. */
export type Want = "attachment" | "device" | "standalone"

/** Ifindexes that somebody has reason to take; numbers are as they are. */
export type Index = "their device" | "their attachment" | "my device" | "master" | "any" | 77

/** What whoever is root in a pod's namespace does; `link` counts the pod's own links, the namespaces that it made included. */
export type Act =
  | { readonly _tag: "Rename"; readonly link: number; readonly name: string }
  | { readonly _tag: "Alias"; readonly link: number; readonly says: "theirs" | "mine" | "a device's" | "nothing" }
  | { readonly _tag: "Mac"; readonly link: number; readonly mac: "theirs" | "any" }
  | { readonly _tag: "Up"; readonly link: number; readonly up: boolean }
  | { readonly _tag: "Mode"; readonly link: number; readonly mode: string }
  | { readonly _tag: "Delete"; readonly link: number }
  | {
      readonly _tag: "Make"
      readonly kind: "macvtap" | "macvlan"
      readonly on: number
      readonly name: string
      readonly index: Index
      readonly mode: string
    }
  | { readonly _tag: "Cable"; readonly name: string; readonly index: Index }
  /** To a namespace of the pod's own, or back from there. */
  | { readonly _tag: "Move"; readonly link: number; readonly index: Index }
  /** The first link that the pod was given gives way to one of its own, on a cable, of that name and ifindex. */
  | { readonly _tag: "Replace"; readonly index: Index }

/** Before the n-th request of a call. */
export interface Meanwhile {
  readonly at: number
  readonly act: Act
}

/** A network as a pod's owner may write it. */
export interface Network {
  readonly name: "lan" | "other"
  readonly type: "macvtap" | "macvlan"
  readonly ifname: string
  readonly master: "eth0" | "own0" | undefined
  readonly linkInContainer: boolean
  readonly device: "theirs" | "mine" | "free" | "their link's name" | "a person's" | undefined
  readonly mode: string | undefined
  readonly mac: "theirs" | undefined
  readonly owner: number | undefined
  /** Whether the runtime tells the pod's UID. */
  readonly uid: boolean
  /** Whether its IPAM plugin refuses, so that all is taken back. */
  readonly refused: boolean
}

/** Where a process dies: before or after its n-th request has its effect. */
export interface Death {
  readonly at: number
  readonly moment: "before" | "after"
  /** Whether the runtime takes the attachment back before it makes another sandbox. */
  readonly del: boolean
}

export type Step =
  | { readonly _tag: "Act"; readonly slot: Slot; readonly act: Act }
  /** A pod, as the kubelet and the runtime start it. */
  | {
      readonly _tag: "Start"
      readonly slot: Slot
      readonly want: Want
      readonly ordinal: number
      readonly network: boolean
      readonly meanwhile: ReadonlyArray<Meanwhile>
      readonly death: Death | undefined
    }
  /** One more network for a pod that runs; what it does meanwhile, and where the process dies. */
  | {
      readonly _tag: "Attach"
      readonly slot: Slot
      readonly network: Network
      readonly meanwhile: ReadonlyArray<Meanwhile>
      readonly death: Death | undefined
    }
  /** Its containers end; the kubelet may write its devices down as free before the sandbox goes. */
  | { readonly _tag: "Stop"; readonly slot: Slot }
  /** The sandboxes of stopped pods go, with DEL or, where the runtime has lost its memory, without. */
  | { readonly _tag: "Remove"; readonly del: boolean }
  /** Containers start anew: PreStart, and what they may open then. */
  | { readonly _tag: "Restart"; readonly slot: Slot }
  | { readonly _tag: "Check"; readonly slot: Slot }
  | { readonly _tag: "Collect" }
  | { readonly _tag: "Sweep" }
  /** The lower device goes, comes, or goes and comes back. */
  | { readonly _tag: "Lower"; readonly is: ReadonlyArray<boolean> }

const names = ["net1", "net1", "net2", "x", "eth0"]
const indexes: ReadonlyArray<Index> = [
  "their device",
  "their device",
  "their attachment",
  "my device",
  "master",
  "any",
  77
]
const modes = ["bridge", "bridge", "private", "vepa", "passthru"]

type Draw<A> = (random: Random) => A

const some = [0, 1, 2, 3]

const acts: ReadonlyArray<Draw<Act>> = [
  ({ pick }) => ({ _tag: "Rename", link: pick(some), name: pick(names) }),
  ({ pick }) => ({ _tag: "Alias", link: pick(some), says: pick(["theirs", "mine", "a device's", "nothing"]) }),
  ({ pick }) => ({ _tag: "Mac", link: pick(some), mac: pick(["theirs", "any"]) }),
  ({ pick }) => ({ _tag: "Up", link: pick(some), up: pick([true, false]) }),
  ({ pick }) => ({ _tag: "Mode", link: pick(some), mode: pick(modes) }),
  ({ pick }) => ({ _tag: "Delete", link: pick(some) }),
  ({ pick }) => ({ _tag: "Delete", link: pick(some) }),
  ({ pick }) => ({
    ...{ _tag: "Make", kind: pick(["macvtap", "macvtap", "macvlan"]), on: pick(some) },
    ...{ name: pick(names), index: pick(indexes), mode: pick(modes) }
  }),
  ({ pick }) => ({
    ...{ _tag: "Make", kind: "macvtap", on: pick(some) },
    ...{ name: pick(names), index: pick(indexes), mode: "bridge" }
  }),
  ({ pick }) => ({ _tag: "Cable", name: pick(["own0", "x"]), index: pick(["master", "any"]) }),
  ({ pick }) => ({ _tag: "Move", link: pick(some), index: pick(indexes) }),
  ({ pick }) => ({ _tag: "Replace", index: pick(["master", "any"]) })
]

const anyAct: Draw<Act> = (random) => random.pick(acts)(random)

const meanwhile: Draw<ReadonlyArray<Meanwhile>> = (random) =>
  Array.from({ length: random.pick([0, 0, 1, 3]) }, () => ({ at: 1 + random.below(40), act: anyAct(random) }))

const death: Draw<Death | undefined> = ({ pick, below }) =>
  pick([false, false, true])
    ? { at: 1 + below(40), moment: pick(["before", "after"]), del: pick([true, false]) }
    : undefined

const network: Draw<Network> = ({ pick, maybe }) => ({
  name: pick(["lan", "other"]),
  type: pick(["macvtap", "macvtap", "macvtap", "macvlan"]),
  ifname: pick(["net1", "net2", "net2", "net3"]),
  master: pick(["eth0", "eth0", "eth0", "own0", undefined]),
  linkInContainer: pick([false, false, false, false, true]),
  device: pick([undefined, undefined, "theirs", "mine", "free", "their link's name", "a person's", "a person's"]),
  mode: pick([undefined, "bridge", "private"]),
  mac: pick([undefined, undefined, "theirs"]),
  owner: maybe([1000]),
  uid: pick([true, true, false]),
  refused: pick([false, false, true])
})

const slot: Draw<Slot> = ({ pick }) => pick([0, 1])

const start: Draw<Extract<Step, { _tag: "Start" }>> = (random) => ({
  _tag: "Start",
  slot: slot(random),
  want: random.pick(["attachment", "device", "device", "standalone"]),
  ordinal: random.below(2),
  network: random.pick([true, true, false]),
  meanwhile: meanwhile(random),
  death: death(random)
})

const attach: Draw<Extract<Step, { _tag: "Attach" }>> = (random) => ({
  ...{ _tag: "Attach", slot: slot(random), network: network(random) },
  ...{ meanwhile: meanwhile(random), death: death(random) }
})

/** How often each is drawn, against the others. */
const weights: ReadonlyArray<readonly [number, Draw<Step>]> = [
  [12, (random) => ({ _tag: "Act", slot: slot(random), act: anyAct(random) })],
  [6, start],
  [5, attach],
  [4, (random) => ({ _tag: "Stop", slot: slot(random) })],
  [3, ({ pick }) => ({ _tag: "Remove", del: pick([true, true, false]) })],
  [1, (random) => ({ _tag: "Restart", slot: slot(random) })],
  [2, (random) => ({ _tag: "Check", slot: slot(random) })],
  [1, () => ({ _tag: "Collect" })],
  [1, () => ({ _tag: "Sweep" })],
  [2, ({ pick }) => ({ _tag: "Lower", is: pick([[true], [true], [false], [false, true]]) })]
]

const draws = weights.flatMap(([weight, draw]) => Array.from({ length: weight }, () => draw))

const any: Draw<Step> = (random) => random.pick(draws)(random)

const other = (one: Slot): Slot => (one === 0 ? 1 : 0)

/** What is worth a try, and chance alone comes by too seldom: a number that becomes free, or a device that is asked for anew. */
const schemes: ReadonlyArray<Draw<ReadonlyArray<Step>>> = [
  (random) => {
    const mine = slot(random)
    const again: Step = { ...attach(random), slot: mine, network: { ...network(random), device: "mine", uid: true } }
    const next: Step = { ...start(random), slot: other(mine) }
    return [
      { ...start(random), slot: mine },
      random.pick<Step>([
        { _tag: "Act", slot: mine, act: { _tag: "Delete", link: 0 } },
        { _tag: "Stop", slot: other(mine) }
      ]),
      { _tag: "Remove", del: true },
      again,
      next
    ]
  },
  (random) => {
    const theirs = slot(random)
    const take: Act = {
      ...{ _tag: "Make", kind: "macvtap", on: 0 },
      ...{ name: "x", index: "their device", mode: "bridge" }
    }
    return [
      { _tag: "Lower", is: [false, true] },
      { _tag: "Act", slot: other(theirs), act: { _tag: "Cable", name: "own0", index: random.pick(["master", "any"]) } },
      { _tag: "Act", slot: other(theirs), act: take },
      { _tag: "Restart", slot: theirs }
    ]
  }
]

/** So many steps, the first of which start a pod. */
export const sequence = (random: Random, length: number): ReadonlyArray<Step> => {
  const steps: Array<Step> = [start(random)]
  while (steps.length < length) {
    steps.push(...(random.below(8) === 0 ? random.pick(schemes)(random) : [any(random)]))
  }
  return steps
}
