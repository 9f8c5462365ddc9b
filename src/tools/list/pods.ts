/**
 * Whose pod an attachment is: asked of the cache that libcni keeps for every attachment from ADD to DEL, in which it has
 * the call's CNI_ARGS. Every runtime that uses libcni has it, Multus one of its own. Nothing else at a node knows both
 * a pod's name and the attachment without a guess.
 */
import { join } from "node:path"
import { encodeAlias, type LinkOwner } from "../../cni/identity/alias.ts"
import { readFolder, readText } from "../files.ts"

export interface Pod {
  readonly namespace?: string
  readonly name: string
}

/** What a runtime remembers of an attachment; without a pod where the runtime has none (podman, by hand). */
export interface CacheEntry {
  readonly file: string
  readonly pod?: Pod
}

/** Below the node's root: libcni's own folder, and that of Multus (its `cniDir`). */
export const cacheFolders = ["var/lib/cni/results", "var/lib/cni/multus/results"]

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const podOf = (cniArgs: unknown): Pod | undefined => {
  const pairs = Array.isArray(cniArgs) ? cniArgs.filter((pair) => Array.isArray(pair) && pair.length === 2) : []
  const args = new Map<unknown, unknown>(pairs)
  const [namespace, name] = [args.get("K8S_POD_NAMESPACE"), args.get("K8S_POD_NAME")]
  if (typeof name !== "string" || name === "") return undefined
  return typeof namespace === "string" && namespace !== "" ? { namespace, name } : { name }
}

/** The entry in a file, where it is that of the attachment with the alias. */
const readEntry = (file: string, alias: string): CacheEntry | undefined => {
  let document: unknown
  try {
    document = JSON.parse(readText(file) ?? "")
  } catch {
    return undefined
  }
  if (!isObject(document)) return undefined
  const { networkName: network, containerId: containerID, ifName: ifname } = document
  if (typeof network !== "string" || typeof containerID !== "string" || typeof ifname !== "string") return undefined
  // An alias can hold abbreviated parts, hence the comparison of aliases.
  if (encodeAlias({ network, containerID, ifname }) !== alias) return undefined
  const pod = podOf(document["cniArgs"])
  return { file, ...(pod === undefined ? {} : { pod }) }
}

/** What the runtimes of the node whose files are below `root` remember of an attachment. */
export const findEntry = (root: string, owner: LinkOwner): CacheEntry | undefined => {
  const { network, containerID, ifname } = owner
  const alias = encodeAlias(owner)
  for (const folder of cacheFolders.map((below) => join(root, below))) {
    // libcni: <network>-<container>-<ifname>. Only an abbreviated alias needs a look at all of them.
    const names = alias.includes("~")
      ? readFolder(folder).flatMap(({ name }) => (name.endsWith(`-${ifname}`) ? [name] : []))
      : [`${network}-${containerID}-${ifname}`]
    for (const name of names) {
      const entry = readEntry(join(folder, name), alias)
      if (entry !== undefined) return entry
    }
  }
  return undefined
}
