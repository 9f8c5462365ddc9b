/** What whoever is root in a pod does there. The kernel may refuse; nothing of the node's is asked. */
import { candidates } from "../../../src/cni/identity/ifindex.ts"
import { deviceIndex, parseDeviceID } from "../../../src/devices/deviceID.ts"
import { standaloneAlias } from "../../../src/devices/standalone.ts"
import { kindByName } from "../../../src/link/kinds.ts"
import { macvtap } from "../../../src/link/macvtap.ts"
import { veth } from "../../../src/link/veth.ts"
import { setLink } from "../../../src/mock/kernel/changeLink.ts"
import { addLink, deleteLink } from "../../../src/mock/kernel/links.ts"
import { addPath, findNetns } from "../../../src/mock/kernel/namespaces.ts"
import { Refusal, refuse } from "../../../src/mock/kernel/Refusal.ts"
import type { LinkState, NetnsState } from "../../../src/mock/kernel/state.ts"
import type { Node } from "./Node.ts"
import { childPath, linksOf, type Pod } from "./Pod.ts"
import type { Act, Index } from "./steps.ts"

/** `other` is the pod that it wants something of. */
export const act = (node: Node, pod: Pod, other: Pod | undefined, what: Act): void => {
  const { kernel, selfMade } = node
  const before = new Set(linksOf(kernel, pod))
  const own = [...before].filter((link) => !selfMade.has(link))
  const looks = own.map(lookOf).join()
  try {
    perform(node, pod, other, what)
  } catch (thrown) {
    if (!(thrown instanceof Refusal)) throw thrown
  }
  const after = linksOf(kernel, pod)
  for (const link of after) if (!before.has(link)) selfMade.add(link)
  if (own.map(lookOf).join() !== looks) pod.tampered = true
}

/** What others can tell of a link. */
const lookOf = ({ netns, index, name, alias, mac, up, options }: LinkState): string =>
  [netns.links.has(index), netns.id, index, name, alias, mac, up, options["mode"]].join(" ")

const perform = (node: Node, pod: Pod, other: Pod | undefined, what: Act): void => {
  const { kernel } = node
  const { machine } = kernel
  const home = findNetns(machine, pod.path) ?? refuse("ENOENT")
  const pick = (n: number): LinkState => {
    const links = linksOf(kernel, pod)
    return links[n % Math.max(1, links.length)] ?? refuse("ENODEV")
  }
  const set = (n: number, change: Parameters<typeof setLink>[3], target?: NetnsState): void => {
    const link = pick(n)
    setLink(machine, link.netns, link.index, change, target)
  }
  const indexOf = (index: Index): { readonly index?: number } => ifindex(pod, other, index)
  const bridge = { kind: macvtap, options: { mode: "bridge" } }
  switch (what._tag) {
    case "Rename":
      set(what.link, { name: what.name })
      break
    case "Alias":
      set(what.link, { alias: aliasOf(pod, other, what.says) })
      break
    case "Mac":
      set(what.link, { mac: what.mac === "any" ? "02:00:00:00:00:77" : macOf(node, other) })
      break
    case "Up":
      set(what.link, { up: what.up })
      break
    case "Mode":
      set(what.link, { kind: macvtap, options: { mode: what.mode } })
      break
    case "Delete": {
      const { netns, index } = pick(what.link)
      deleteLink(machine, netns, index)
      break
    }
    case "Make": {
      const on = pick(what.on)
      const kind = kindByName(what.kind) ?? macvtap
      const spec = { kind, name: what.name, parent: on.index, options: { mode: what.mode }, up: true }
      addLink(machine, on.netns, on.netns, { ...spec, ...indexOf(what.index) })
      break
    }
    case "Cable":
      addLink(machine, home, home, { kind: veth, name: what.name, ...indexOf(what.index) })
      break
    case "Move": {
      const link = pick(what.link)
      const child = findNetns(machine, childPath(pod)) ?? addPath(machine, childPath(pod))
      const { index: newIndex } = indexOf(what.index)
      const change = newIndex === undefined ? {} : { newIndex }
      setLink(machine, link.netns, link.index, change, link.netns === home ? child : home)
      break
    }
    case "Replace": {
      const [link] = linksOf(kernel, pod).filter((one) => node.given.get(one)?.pod === pod || one.name === "net1")
      if (link === undefined) return
      const { netns, index, name } = link
      deleteLink(machine, netns, index)
      addLink(machine, netns, netns, { kind: veth, name: "under", up: true, ...indexOf(what.index) })
      const under = [...netns.links.values()].find((one) => one.name === "under") ?? refuse("ENODEV")
      addLink(machine, netns, netns, { ...bridge, name, index, parent: under.index, up: true })
      break
    }
  }
}

const ifindex = (pod: Pod, other: Pod | undefined, index: Index): { readonly index?: number } => {
  switch (index) {
    case "their device":
      return deviceOf(other)
    case "my device":
      return deviceOf(pod)
    case "their attachment": {
      const [first] = other === undefined ? [] : candidates(other.containerID, "net1", 1)
      return first === undefined ? {} : { index: first }
    }
    case "master":
      return { index: 2 }
    case "any":
      return {}
    default:
      return { index }
  }
}

/** The ifindex of the pod's device: everybody can tell it. */
const deviceOf = (pod: Pod | undefined): { readonly index?: number } => {
  const id = pod?.device === undefined ? undefined : parseDeviceID(pod.device)
  return id === undefined ? {} : { index: deviceIndex(id) }
}

const aliasOf = (pod: Pod, other: Pod | undefined, says: string): string => {
  const of = (one: Pod | undefined): string => `macvtap-cni:lan/${one?.containerID ?? "nobody"}/net1`
  if (says === "theirs") return of(other)
  if (says === "mine") return of(pod)
  return says === "nothing" ? "" : standaloneAlias(other?.device ?? "dataplaneMvp0")
}

/** The MAC address of a link that the pod was given. */
export const macOf = ({ given }: Node, other: Pod | undefined): string => {
  const [link] = [...given].find(([, { pod }]) => pod === other) ?? []
  return link?.mac ?? "02:00:00:00:00:78"
}
