/** One step of a sequence, and what is left when all pods have ended. */
import * as Effect from "effect/Effect"
import { act } from "./attacker.ts"
import { prestart, startPod, stopPod, sweep } from "./kubelet.ts"
import { isLowerThere, type Node, otherOf } from "./Node.ts"
import { lookForBroken } from "./promises.ts"
import { attach, check, collect, removeSandbox } from "./runtime.ts"
import type { Step } from "./steps.ts"

export const perform = Effect.fnUntraced(function* (node: Node, step: Step) {
  const pod = "slot" in step ? node.running[step.slot] : undefined
  switch (step._tag) {
    case "Act":
      if (pod !== undefined) act(node, pod, otherOf(node, pod.slot), step.act)
      break
    case "Start":
      yield* startPod(node, step)
      break
    case "Attach":
      if (pod !== undefined) yield* attach(node, pod, step)
      break
    case "Stop":
      if (pod !== undefined) stopPod(node, pod)
      break
    case "Remove":
      for (const former of node.stopped.splice(0)) yield* removeSandbox(node, former, step.del)
      break
    case "Restart":
      if (pod !== undefined) yield* prestart(node, pod)
      break
    case "Check":
      if (pod?.tampered === false && pod.wasWhole) yield* check(node, pod)
      break
    case "Collect":
      yield* collect(node)
      break
    case "Sweep":
      yield* sweep(node)
      break
    case "Lower":
      for (const present of step.is) setLower(node, present)
  }
  lookForBroken(node)
})

/** All pods end, and the node cleans up: nothing is anybody's any more. */
export const endAll = Effect.fnUntraced(function* (node: Node) {
  for (const pod of node.running) if (pod !== undefined) stopPod(node, pod)
  for (const pod of node.stopped.splice(0)) yield* removeSandbox(node, pod, true)
  yield* collect(node)
  yield* sweep(node)
  const { claims, ownNodes, nodes, namespaces, openHandles } = node.kernel.snapshot()
  const names = Object.values(namespaces).flatMap(({ links }) => links.map(({ name }) => name))
  const left = names.filter((name) => !["lo", "eth0", "eth1", "dev0"].includes(name))
  const ends = { claims, ownNodes, nodes: Object.keys(nodes).filter((path) => path !== "/dev/tap9"), left, openHandles }
  const clean = { claims: {}, ownNodes: {}, nodes: [], left: [], openHandles: { namespaces: 0, sockets: 0 } }
  if (JSON.stringify(ends) !== JSON.stringify(clean)) node.broken.push(`left over: ${JSON.stringify(ends)}`)
})

/** The lower device of all goes, with the links that are on it, or comes back. */
const setLower = (node: Node, present: boolean): void => {
  if (isLowerThere(node) === present) return
  if (present) {
    node.kernel.addLink({ name: "eth0", index: 2 })
    return
  }
  node.kernel.removeLink(undefined, "eth0")
  for (const pod of node.running) if (pod !== undefined) pod.wasWhole = false
}
