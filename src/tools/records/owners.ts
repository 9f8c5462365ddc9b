/**
 * Whose attachment a link is: what a runtime remembers of a link of that name in that namespace; else what the link's alias
 * says, which its container may have changed.
 */
import { join } from "node:path"
import { encodeAlias, type LinkOwner, readAlias } from "../../cni/identity/alias.ts"
import type { Link } from "../../link/Link.ts"
import { statFile } from "../node/files.ts"
import { type Pod, type Record, type Records, recordOf } from "./records.ts"

export interface Ownership {
  readonly owner: LinkOwner
  readonly pod?: Pod
  /** `alias`: only the link itself says so. */
  readonly knownBy: "runtime" | "alias"
  /** What the alias says, where the runtime knows it is not so. */
  readonly claims?: LinkOwner
}

/** A link in a namespace that is not the host's, where no attachment stays. */
export interface Placed {
  readonly link: Pick<Link, "name" | "alias">
  /** The namespace's path, and its identity `<device>:<inode>`. */
  readonly netns: string
  readonly netnsId: string
  readonly inHost: boolean
}

/** Tells links of the node whose files are below `root` by what its runtimes remember. */
export const identifyBy = (root: string, records: Records): ((placed: Placed) => Ownership | undefined) => {
  const places = records.records.flatMap((record) => {
    if (record.netns === undefined) return []
    const path = record.netns.replace(/^\/var\/run\//, "/run/")
    const stats = statFile(join(root, path))
    return [{ record, path, id: stats && `${stats.dev}:${stats.ino}` }]
  })
  return ({ link, netns, netnsId, inHost }) => {
    const claimed = readAlias(link.alias)
    const here = places.filter(
      ({ record, path, id }) => !inHost && record.ifname === link.name && (path === netns || id === netnsId)
    )
    const record = choose(
      here.map((place) => place.record),
      claimed
    )
    if (record !== undefined) return byRuntime(record, claimed)
    return claimed === undefined ? undefined : byAlias(claimed, recordOf(records, claimed)?.pod)
  }
}

/** Of several plugins' records of one link, ours. */
const choose = (here: ReadonlyArray<Record>, claimed: LinkOwner | undefined): Record | undefined =>
  here.find((record) => claimed !== undefined && encodeAlias(record) === encodeAlias(claimed)) ??
  here.find(({ ofOurKinds }) => ofOurKinds)

const byRuntime = ({ network, containerID, ifname, pod }: Record, claimed: LinkOwner | undefined): Ownership => {
  const owner = { network, containerID, ifname }
  const lies = claimed !== undefined && encodeAlias(claimed) !== encodeAlias(owner)
  return { owner, knownBy: "runtime", ...withPod(pod), ...(lies ? { claims: claimed } : {}) }
}

const byAlias = (owner: LinkOwner, pod: Pod | undefined): Ownership => ({ owner, knownBy: "alias", ...withPod(pod) })

const withPod = (pod: Pod | undefined): { readonly pod?: Pod } => (pod === undefined ? {} : { pod })
