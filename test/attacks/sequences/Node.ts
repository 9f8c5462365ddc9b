/** The node that two pods are on: the kernel in memory, and what the model remembers of who has what. */
import type { Resources } from "../../../src/devices/resources.ts"
import { macvtap } from "../../../src/link/macvtap.ts"
import { type Kernel, makeKernel } from "../../../src/mock/Kernel.ts"
import type { LinkState } from "../../../src/mock/kernel/state.ts"
import type { Pod } from "./Pod.ts"
import type { Slot } from "./steps.ts"

/** A link that the node gave to a pod, and its number then: one that its pod moves has whatever the kernel gives. */
export interface Given {
  readonly pod: Pod
  readonly number: string
  /** Whether it is the pod's device, which containers open by its node. */
  readonly isDevice: boolean
}

export interface Node {
  readonly kernel: Kernel
  /** Pods whose containers run, by their slots. */
  readonly running: [Pod | undefined, Pod | undefined]
  /** Pods whose containers have ended, and whose sandboxes have not. */
  readonly stopped: Array<Pod>
  readonly given: Map<LinkState, Given>
  /** Links that pods made by themselves. */
  readonly selfMade: Set<LinkState>
  /** Promises that were broken, in words. */
  readonly broken: Array<string>
  /** A number that nobody had before. */
  readonly next: () => number
}

export const resources: Resources = {
  dataplane: { lowerDevice: "eth0", mode: "bridge", capacity: 2, standalone: false },
  plain: { lowerDevice: "eth0", mode: "bridge", capacity: 2, standalone: true }
}

export const makeNode = (): Node => {
  const kernel = makeKernel()
  kernel.addLink({ name: "eth0", index: 2 })
  // A person's, for whoever may write networks.
  kernel.addLink({ name: "eth1", index: 3 })
  kernel.inside().linkAdd({ kind: macvtap, name: "dev0", parent: 3, index: 9, options: { mode: "bridge" } })
  kernel.plugins.set("refuses", ({ env }) =>
    env["CNI_COMMAND"] === "ADD" ? { stdout: JSON.stringify({ code: 107, msg: "no" }), status: 1 } : { stdout: "" }
  )
  kernel.machine.stateFolder.resources = resources
  kernel.machine.checkpoint = new Map()
  let last = 0
  return {
    ...{ kernel, running: [undefined, undefined], stopped: [], given: new Map(), selfMade: new Set(), broken: [] },
    next: () => ++last
  }
}

export const otherOf = ({ running }: Node, slot: Slot): Pod | undefined => running[slot === 0 ? 1 : 0]

/** Devices' lower device. */
export const isLowerThere = ({ kernel }: Node): boolean =>
  [...kernel.machine.host.links.values()].some(({ name }) => name === "eth0")
