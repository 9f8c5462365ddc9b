/** The runtime: sandboxes, and the calls of plugins that come with them. */
import * as Effect from "effect/Effect"
import { findNetns } from "../../../src/mock/kernel/namespaces.ts"
import { befalling, forgetGone, give, holdGiven } from "./holding.ts"
import { type Node, otherOf } from "./Node.ts"
import { confOf } from "./networks.ts"
import { type Attachment, childPath, type Pod } from "./Pod.ts"
import { cni, type Happening } from "./processes.ts"
import type { Step } from "./steps.ts"

export const makeSandbox = (node: Node, pod: Pod): void => {
  const n = node.next()
  pod.containerID = `c${n}`
  pod.path = `/run/netns/n${n}`
  node.kernel.addNetns(pod.path)
}

/** The sandbox goes, and with it all that is in it; without `del` a runtime that has lost its memory. */
export const removeSandbox = Effect.fnUntraced(function* (node: Node, pod: Pod, del: boolean) {
  const { kernel } = node
  for (const attachment of pod.attachments.splice(0)) if (del) yield* takeBack(node, pod, attachment)
  for (const path of [childPath(pod), pod.path]) if (findNetns(kernel.machine, path)) kernel.removeNetns(path)
  forgetGone(node, pod)
})

/** ADD; whatever comes of it, the runtime remembers it for DEL. */
export const add = Effect.fnUntraced(function* (node: Node, pod: Pod, attachment: Attachment, happening: Happening) {
  pod.attachments.push(attachment)
  const answer = yield* cni(node.kernel, "ADD", attachment, happening)
  if (answer.status === 0) {
    attachment.prevResult = JSON.parse(answer.stdout)
    // The call may have made the device's link anew.
    if (!node.running.includes(pod)) forgetGone(node, pod)
    const { path, ifname, conf } = attachment
    give(node, pod, { path, link: ifname, isDevice: conf["deviceID"] !== undefined && conf["deviceID"] === pod.device })
  }
  return answer
})

/** One more network for a pod that runs, written by whoever owns the pod; a refusal needs no excuse. */
export const attach = Effect.fnUntraced(function* (node: Node, pod: Pod, step: Extract<Step, { _tag: "Attach" }>) {
  const { network, meanwhile } = step
  const { ifname } = network
  if (pod.attachments.some((other) => other.ifname === ifname)) return
  // DEL after a death would be that of an attachment which has the device while its containers run: SECURITY.md excepts it.
  const death = network.device === "mine" ? undefined : step.death
  // It asks for its device, which the call moves about.
  if (network.device === "mine") pod.tampered = true
  const conf = confOf(node, pod, otherOf(node, pod.slot), network)
  const uid = network.uid ? pod.uid : ""
  const attachment: Attachment = { ...pod, uid, ifname, conf, prevResult: undefined }
  const befall = befalling(node, pod.slot, meanwhile)
  const answer = yield* add(node, pod, attachment, { befall, death })
  if (answer.status === 0) {
    return holdGiven(node, pod)
  }
  pod.attachments.splice(pod.attachments.indexOf(attachment), 1)
  yield* takeBack(node, pod, attachment)
})

export const check = Effect.fnUntraced(function* (node: Node, pod: Pod) {
  for (const attachment of pod.attachments) {
    const { status, stdout } = yield* cni(node.kernel, "CHECK", attachment)
    if (status !== 0) node.broken.push(`CHECK of ${pod.uid}, which changed nothing: ${stdout}`)
  }
})

/** GC of each network: the attachments of pods that there are, are valid. */
export const collect = Effect.fnUntraced(function* (node: Node) {
  const attachments = [...node.running, ...node.stopped].flatMap((pod) => pod?.attachments ?? [])
  for (const name of ["lan", "other"]) {
    for (const type of ["macvtap", "macvlan"]) {
      const valid = attachments.filter(({ conf }) => conf["name"] === name)
      const more = { "cni.dev/valid-attachments": valid.map(({ containerID, ifname }) => ({ containerID, ifname })) }
      const asked = { ifname: "", containerID: "", path: "", uid: "", conf: { name, type }, prevResult: undefined }
      const { status, stdout } = yield* cni(node.kernel, "GC", asked, { more })
      if (status !== 0) node.broken.push(`GC of ${name}: ${stdout}`)
    }
  }
})

const takeBack = Effect.fnUntraced(function* (node: Node, pod: Pod, attachment: Attachment) {
  const { status, stdout } = yield* cni(node.kernel, "DEL", attachment)
  if (status !== 0) node.broken.push(`DEL of ${pod.uid}: ${stdout}`)
  const alias = `macvtap-cni:${attachment.conf["name"]}/${attachment.containerID}/${attachment.ifname}`
  const isLeft = [...node.kernel.machine.claims.values()].some((claim) => claim.alias === alias)
  if (isLeft) node.broken.push(`DEL of ${pod.uid} leaves its claim`)
})
