/** What has to hold at every step, and for which reasons a pod may be refused what is its own. */
import type { LinkState } from "../../../src/mock/kernel/state.ts"
import { allLinks, deviceOf } from "../../../src/mock/kernel/taps.ts"
import { isLowerThere, type Node } from "./Node.ts"
import { linksOf, type Pod } from "./Pod.ts"

/** Notes what is broken now. */
export const lookForBroken = (node: Node): void => {
  const { kernel, running, given, selfMade, broken } = node
  const { machine } = kernel
  const note = (words: string): void => {
    if (!broken.includes(words)) broken.push(words)
  }
  const links = new Set(allLinks(machine))
  for (const link of links) {
    const number = deviceOf(link)
    const owner = given.get(link)
    // A pod that moves its own link, or makes one, has whatever number the kernel gives.
    if (number === undefined || owner?.number !== number) continue
    for (const pod of running) {
      if (pod === undefined || pod === owner.pod || !pod.holds.has(number)) continue
      note(`${pod.uid} can open ${number}, which is ${link.name} of ${owner.pod.uid}`)
    }
  }
  for (const link of machine.host.links.values()) {
    if (selfMade.has(link)) note(`${link.name}, which a pod made, is on the host`)
  }
  if (!isLowerThere(node)) return
  for (const [link, { pod }] of given) {
    if (running.includes(pod) && !pod.tampered && pod.wasWhole && !isUp(links, link)) {
      note(`${link.name} of ${pod.uid} is gone, which ${pod.uid} did not do`)
    }
  }
}

const isUp = (links: ReadonlySet<LinkState>, link: LinkState): boolean => links.has(link) && link.up

/**
 * Whether a pod may be refused what is its own: the lower device was away, or the device's former pod has ended for the
 * kubelet and not yet for the runtime, which still has its link.
 */
export const isExcused = (node: Node, { device }: Pod, words: string, lowerWasAway: boolean): boolean =>
  lowerWasAway ||
  (/still held/.test(words) &&
    node.stopped.some((former) => former.device === device && linksOf(node.kernel, former).length > 0))
