/** A pod, as the model remembers it. */
import type { Kernel } from "../../../src/mock/Kernel.ts"
import { findNetns } from "../../../src/mock/kernel/namespaces.ts"
import type { LinkState, NetnsState } from "../../../src/mock/kernel/state.ts"
import type { Slot } from "./steps.ts"

/** A call's network and name, as the runtime keeps them for DEL. */
export interface Attachment {
  readonly ifname: string
  readonly conf: Readonly<Record<string, unknown>>
  readonly containerID: string
  readonly path: string
  /** What CNI_ARGS say; empty where the runtime does not tell it. */
  readonly uid: string
  /** What ADD answered; undefined where it has not. */
  prevResult: object | undefined
}

export interface Pod {
  readonly slot: Slot
  readonly uid: string
  /** Its sandbox, which is another after a call that died. */
  containerID: string
  /** Its namespace, and one that it makes by itself. */
  path: string
  /** Whether somebody in it has changed a link that it was given. */
  tampered: boolean
  /** Whether its lower device was there all the time: links go with it. */
  wasWhole: boolean
  readonly attachments: Array<Attachment>
  device: string | undefined
  /** Numbers that its containers may open, whatever has become of the links: the node is theirs, and the cgroup's rule. */
  readonly holds: Set<string>
  /** Of these, the one that its device's node had when its container started. */
  opened: string | undefined
}

/** A namespace that the pod made by itself, of which only a process's path is known. */
export const childPath = (pod: Pod): string => `/proc/${pod.slot + 100}/ns/net`

/** The pod's namespaces that there are. */
export const spacesOf = (kernel: Kernel, pod: Pod): ReadonlyArray<NetnsState> =>
  [pod.path, childPath(pod)].map((path) => findNetns(kernel.machine, path)).filter((netns) => netns !== undefined)

/** The pod's links, whoever made them. */
export const linksOf = (kernel: Kernel, pod: Pod): ReadonlyArray<LinkState> =>
  spacesOf(kernel, pod).flatMap((netns) => [...netns.links.values()].filter(({ loopback }) => !loopback))
