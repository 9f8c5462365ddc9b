/** The attachments and standalone devices of this node, as `macvtap list` tells them. */
import { join } from "node:path"
import * as Effect from "effect/Effect"
import { nodeFolder } from "../../devices/resources.ts"
import { standaloneDevice } from "../../devices/standalone.ts"
import { kindByName } from "../../link/kinds.ts"
import { TapService } from "../../services/TapService.ts"
import { formatDeviceNumber } from "../../wire/deviceNumber.ts"
import type { AllottedDevice } from "../records/allotments.ts"
import type { Pod } from "../records/records.ts"
import { readFolder, statFile } from "./files.ts"
import type { FoundLink, Inventory } from "./inventory.ts"

/** A link that somebody has, with or without a network. */
export interface Held {
  readonly pod?: Pod
  /** The link's name where it is, now. */
  readonly ifname: string
  readonly mac?: string
  /** The parent's name; undefined where it is in no namespace that was looked at. */
  readonly master?: string
  readonly kind: string
  readonly mode?: string
  /** The device of the device plugin that it is. */
  readonly deviceID?: string
  readonly tap?: Tap
  readonly netns: string
  readonly index: number
  readonly up: boolean
}

export interface Attachment extends Held {
  readonly network: string
  readonly container: string
  /** `alias`: only the link itself says whose it is, and its container may have changed that. */
  readonly knownBy: "runtime" | "alias"
}

/** A link in the host's namespace that the device plugin made for a pod without a network attachment. */
export interface StandaloneDevice extends Held {
  readonly deviceID: string
}

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

/** Where the node's files are, and the device plugin's state below that. */
export interface Place {
  readonly root: string
  readonly state: string
}

/** The attachments among the links, by network, container and name. */
export const attachmentsOf = Effect.fn("attachmentsOf")(function* (place: Place, { links }: Inventory) {
  const own = ownNodes(place)
  const found: Array<Attachment> = []
  for (const one of links) {
    if (one.ownership === undefined) continue
    const { owner, knownBy, pod } = one.ownership
    found.push({ network: owner.network, container: owner.containerID, knownBy, ...(yield* describe(one, own, pod)) })
  }
  const key = ({ network, container, ifname }: Attachment) => [network, container, ifname].join("/")
  return found.sort((a, b) => (key(a) < key(b) ? -1 : 1))
})

/** The standalone devices among the links, by ID, with the pods that the kubelet gave them to. */
export const standaloneDevicesOf = Effect.fn("standaloneDevicesOf")(function* (
  place: Place,
  { links }: Inventory,
  allotted: ReadonlyArray<AllottedDevice>
) {
  const own = ownNodes(place)
  const found: Array<StandaloneDevice> = []
  for (const one of links) {
    const deviceID = one.inHost ? standaloneDevice(one.link) : undefined
    if (deviceID === undefined) continue
    const pod = allotted.find((device) => device.deviceID === deviceID)?.pod
    found.push({ ...(yield* describe(one, own, pod)), deviceID })
  }
  return found.sort((a, b) => (a.deviceID < b.deviceID ? -1 : 1))
})

const describe = Effect.fnUntraced(function* (found: FoundLink, own: OwnNodes, pod: Pod | undefined) {
  const { link, parent, netns, device } = found
  const { kind = "" } = link
  const mode = link.options["mode"]
  const reserved = device === undefined ? undefined : own.get(device)
  return {
    ...(pod === undefined ? {} : { pod }),
    ifname: link.name,
    ...(link.mac === undefined ? {} : { mac: link.mac }),
    ...(parent === undefined ? {} : { master: parent }),
    kind,
    ...(typeof mode === "string" ? { mode } : {}),
    ...(reserved === undefined ? {} : { deviceID: reserved.deviceID }),
    ...(kindByName(kind)?.device === "tap" ? { tap: reserved?.tap ?? (yield* kernelTap(found)) } : {}),
    netns,
    index: link.index,
    up: link.up
  } satisfies Held
})

/** Our own device nodes (those of reserved devices) by the number that they have. */
type OwnNodes = ReadonlyMap<string, { readonly deviceID: string; readonly tap: Tap }>

const ownNodes = ({ root, state }: Place): OwnNodes => {
  const folder = nodeFolder(state)
  const nodes = new Map<string, { readonly deviceID: string; readonly tap: Tap }>()
  for (const { name } of readFolder(join(root, folder))) {
    const stats = statFile(join(root, folder, name))
    if (stats?.isCharacterDevice() !== true) continue
    const device = formatDeviceNumber(stats.rdev)
    const tap = { node: join(folder, name), device, owner: stats.uid, group: stats.gid, mode: stats.mode & 0o7777 }
    nodes.set(device, { deviceID: name, tap })
  }
  return nodes
}

/** The kernel's node of a link, if it is this link's. */
const kernelTap = Effect.fnUntraced(function* ({ link, device }: FoundLink) {
  const known = device === undefined ? {} : { device }
  const node = yield* (yield* TapService).node(link.index).pipe(Effect.orElseSucceed(() => undefined))
  if (node === undefined) return { ...known, problem: "no node" } satisfies Tap
  if (device !== undefined && node.device !== device) {
    return { ...known, problem: `${node.path} is another link's` } satisfies Tap
  }
  return { node: node.path, device: node.device, owner: node.owner, group: node.group, mode: node.mode } satisfies Tap
})
