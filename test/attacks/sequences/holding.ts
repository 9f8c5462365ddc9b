/** What pods are given, and what their containers may open. */
import { defaultStateFolder, nodePath } from "../../../src/devices/resources.ts"
import { findNetns } from "../../../src/mock/kernel/namespaces.ts"
import { allLinks, deviceOf } from "../../../src/mock/kernel/taps.ts"
import { act } from "./attacker.ts"
import { type Node, otherOf } from "./Node.ts"
import { linksOf, type Pod } from "./Pod.ts"
import type { Befall } from "./processes.ts"
import { lookForBroken } from "./promises.ts"
import type { Meanwhile, Slot } from "./steps.ts"

/** What a pod does before which requests of a program, and whether all is well at each. */
export const befalling =
  (node: Node, slot: Slot, meanwhile: ReadonlyArray<Meanwhile>): Befall =>
  (n) => {
    const pod = node.running[slot]
    for (const { at, act: what } of meanwhile) {
      if (at === n && pod !== undefined) act(node, pod, otherOf(node, slot), what)
    }
    lookForBroken(node)
  }

/** The link is the pod's from now on, if it is there; in the host's namespace where none is named. */
export const give = (
  { kernel, given }: Node,
  pod: Pod,
  where: { readonly path?: string; readonly link: string | number; readonly isDevice: boolean }
): void => {
  const { machine } = kernel
  const links = (where.path === undefined ? machine.host : findNetns(machine, where.path))?.links.values() ?? []
  const link = [...links].find((one) => one.name === where.link || one.index === where.link)
  const number = link && deviceOf(link)
  if (link !== undefined && number !== undefined) given.set(link, { pod, number, isDevice: where.isDevice })
}

/** What was the pod's and is no more. */
export const forgetGone = ({ given }: Node, pod: Pod): void => {
  for (const [link, { pod: owner }] of given) if (owner === pod && !link.netns.links.has(link.index)) given.delete(link)
}

/** What may be opened that the pod was given without a device, as KubeVirt has it. */
export const holdGiven = ({ given }: Node, pod: Pod): void => {
  for (const one of given.values()) if (one.pod === pod && !one.isDevice) pod.holds.add(one.number)
}

/** The container that has the device starts, and may open what the device's node is then; one that was there has ended. */
export const startContainers = (node: Node, pod: Pod): void => {
  const { machine } = node.kernel
  pod.holds.delete(pod.opened ?? "")
  holdGiven(node, pod)
  const path = pod.device === undefined ? undefined : nodePath(defaultStateFolder, pod.device)
  const number = path === undefined ? undefined : machine.stateFolder.nodes.get(path)?.device
  pod.opened = number
  if (number === undefined) return
  pod.holds.add(number)
  const behind = [...allLinks(machine)].find((link) => deviceOf(link) === number)
  const isOwn =
    behind === undefined || node.given.get(behind)?.pod === pod || linksOf(node.kernel, pod).includes(behind)
  if (!isOwn) node.broken.push(`${pod.uid} starts with ${behind?.name}, which is not its own`)
}
