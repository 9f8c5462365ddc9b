/** The attachments on this node, as `macvtap list` tells them. */
import { join } from "node:path"
import * as Effect from "effect/Effect"
import { nodeFolder } from "../../devices/resources.ts"
import { kindByName } from "../../link/kinds.ts"
import { TapService } from "../../services/TapService.ts"
import { deviceNumber, readFolder, statFile } from "../files.ts"
import type { FoundLink, Inventory } from "./inventory.ts"
import { findEntry, type Pod } from "./pods.ts"

export interface Tap {
  /** Where the node is on the host; undefined where there is none that is this link's. */
  readonly node?: string
  /** What is in the way: another link's node at the path. */
  readonly problem?: string
  /** `246:1`, where it could be learnt. */
  readonly device?: string
  readonly owner?: number
  readonly group?: number
  readonly mode?: number
}

export interface Attachment {
  readonly network: string
  readonly container: string
  readonly pod?: Pod
  /** The link's name in the container, now. */
  readonly ifname: string
  readonly mac?: string
  /** The parent's name; undefined where it is in no namespace that was looked at. */
  readonly master?: string
  readonly kind: string
  readonly mode?: string
  readonly tap?: Tap
  readonly netns: string
  readonly index: number
  readonly up: boolean
}

/** Where the node's files are, and the device plugin's state below that. */
interface Place {
  readonly root: string
  readonly state: string
}

/** Our own device nodes (those of reserved devices) by the number that they have. */
const ownNodes = ({ root, state }: Place): ReadonlyMap<string, Tap> => {
  const folder = nodeFolder(state)
  const nodes = new Map<string, Tap>()
  for (const { name } of readFolder(join(root, folder))) {
    const stats = statFile(join(root, folder, name))
    if (stats?.isCharacterDevice() !== true) continue
    const node = { node: join(folder, name), owner: stats.uid, group: stats.gid, mode: stats.mode & 0o7777 }
    nodes.set(deviceNumber(stats), { ...node, device: deviceNumber(stats) })
  }
  return nodes
}

/** The node of a link: one of our own, else the kernel's, if it is this link's. */
const tapOf = Effect.fnUntraced(function* ({ link, device }: FoundLink, own: ReadonlyMap<string, Tap>) {
  const reserved = device === undefined ? undefined : own.get(device)
  if (reserved !== undefined) return reserved
  const known = device === undefined ? {} : { device }
  const node = yield* (yield* TapService).node(link.index).pipe(Effect.orElseSucceed(() => undefined))
  if (node === undefined) return { ...known, problem: "no node" } satisfies Tap
  if (device !== undefined && node.device !== device) {
    return { ...known, problem: `${node.path} is another link's` } satisfies Tap
  }
  return { node: node.path, device: node.device, owner: node.owner, group: node.group, mode: node.mode } satisfies Tap
})

/** The attachments among the links, by network, container and name. */
export const attachmentsOf = Effect.fnUntraced(function* (place: Place, { links }: Inventory) {
  const own = ownNodes(place)
  const found: Array<Attachment> = []
  for (const one of links) {
    const { link, owner, parent, netns } = one
    if (owner === undefined) continue
    const { kind = "" } = link
    const pod = findEntry(place.root, owner)?.pod
    const mode = link.options["mode"]
    found.push({
      network: owner.network,
      container: owner.containerID,
      ...(pod === undefined ? {} : { pod }),
      ifname: link.name,
      ...(link.mac === undefined ? {} : { mac: link.mac }),
      ...(parent === undefined ? {} : { master: parent }),
      kind,
      ...(typeof mode === "string" ? { mode } : {}),
      ...(kindByName(kind)?.device === "tap" ? { tap: yield* tapOf(one, own) } : {}),
      netns,
      index: link.index,
      up: link.up
    })
  }
  const key = ({ network, container, ifname }: Attachment) => [network, container, ifname].join("/")
  return found.sort((a, b) => (key(a) < key(b) ? -1 : 1))
})
