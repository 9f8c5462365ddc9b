/** What the configuration says of the link itself: what ADD and CHECK need, read strictly. */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { LinkOptions } from "../../link/Link.ts"
import type { CniArgs } from "../call/CniArgs.ts"
import type { CniError } from "../call/CniError.ts"
import { type Decoder, list, struct } from "../decode/decode.ts"
import { checked, flag, integer, lenient, orElse, text } from "../decode/decoders.ts"
import { show } from "../decode/show.ts"
import { byteLength, linkNameProblem, longestLinkName } from "../identity/names.ts"
import { type Dns, dns } from "../result/Dns.ts"
import { linkOptions } from "./linkOptions.ts"
import { chooseMac } from "./mac.ts"
import { decodeConfig, type NetConf } from "./NetConf.ts"

export interface LinkConf {
  /** The parent's name; absent: the default route's link, or a device's. */
  readonly master?: string
  /** The parent is in the container's namespace. */
  readonly linkInContainer: boolean
  /** Bytes; absent: the parent's. */
  readonly mtu?: number
  /** The configured options by the names of the kind's table; its defaults are not in it. */
  readonly options: LinkOptions
  /** Canonical; absent: the kernel's choice. */
  readonly mac?: string
  readonly promisc: boolean
  readonly allmulti: boolean
  /** The node and the pod shall reach each other. */
  readonly hostAccess: boolean
  /** User and group ids of the tap node, where they are configured. */
  readonly owner?: number
  readonly group?: number
  /** An existing link to import: its name, or what a device plugin made its name from. */
  readonly deviceID?: string
  readonly dns: Dns
}

/** ids of users and groups; 4294967295 is chown's word for "leave it". */
const id = integer(0, 4294967294)

/** Zero and absent both say: as the parent's. */
const mtu: Decoder<number | undefined> = (value) =>
  Result.map(integer(0, 2147483647)(value), (bytes) => (bytes === 0 ? undefined : bytes))

const masterProblem = (name: string): string | undefined =>
  linkNameProblem(name) === undefined && !name.includes("\0")
    ? undefined
    : `expected the name of a link, at most ${longestLinkName} bytes without / : or whitespace, got ${show(name)}`

/** A file name holds at most 255 bytes, and the node of a device is named after it. */
const deviceIDProblem = (deviceID: string): string | undefined =>
  byteLength(deviceID) > 255 || /^\.\.?$|[/\0]/.test(deviceID)
    ? `expected the ID of a device, at most 255 bytes without /, got ${show(deviceID)}`
    : undefined

const deviceID = checked(text, deviceIDProblem)

const fields = struct({
  master: checked(text, masterProblem),
  linkInContainer: orElse(flag, false),
  mtu,
  promiscMode: orElse(flag, false),
  allmulti: flag,
  hostAccess: orElse(flag, false),
  owner: id,
  group: id,
  deviceID,
  dns,
  /** The runtime reads these, and IPAM plugins the addresses; their types are judged here, where a mistake is named. */
  capabilities: struct({}),
  runtimeConfig: struct({ deviceID, ips: list(text) })
})

/** The configuration of the link, or the first thing that is wrong with it. */
export const readLinkConf = (conf: NetConf, args: CniArgs): Effect.Effect<LinkConf, CniError> =>
  Effect.fromResult(args.mac === undefined ? readAlone(conf) : read(conf, args))

const read = (conf: NetConf, args: CniArgs): Result.Result<LinkConf, CniError> =>
  Result.gen(function* () {
    const given = yield* decodeConfig(fields, conf.document)
    const { capabilities: _, runtimeConfig, promiscMode, allmulti, deviceID, ...rest } = given
    const options = yield* decodeConfig(linkOptions(conf.kind), conf.document)
    const mac = yield* chooseMac(conf.document, args)
    const device = runtimeConfig.deviceID ?? deviceID
    return {
      ...rest,
      ...(device === undefined ? {} : { deviceID: device }),
      ...(mac === undefined ? {} : { mac }),
      options,
      promisc: promiscMode,
      allmulti: allmulti ?? conf.kind.allmulti
    }
  })

/** Where nothing but the network says what the link shall be, it is the same for each of the network's pods. */
const readAlone = (conf: NetConf): Result.Result<LinkConf, CniError> => {
  const before = known.get(conf.document)
  if (before !== undefined) return before
  const result = read(conf, {})
  known.set(conf.document, result)
  return result
}

/** By documents, which belong to one program and one command (NetConf.ts). */
const known = new WeakMap<object, Result.Result<LinkConf, CniError>>()

const lenientFields = struct({
  deviceID: lenient(deviceID),
  hostAccess: lenient(flag),
  runtimeConfig: lenient(struct({ deviceID: lenient(deviceID) }))
})

/**
 * For DEL and GC, which must not fail on what they do not need: the device, where it can be read, and defaults. A DEL
 * without the device leaves its node to the device plugin's own cleaning.
 */
export const lenientLinkConf = ({ kind, document }: NetConf): LinkConf => {
  const { runtimeConfig, ...rest } = Result.getOrElse(lenientFields(document), () => ({
    runtimeConfig: undefined,
    hostAccess: undefined
  }))
  const device = { ...rest, ...runtimeConfig }.deviceID
  return {
    linkInContainer: false,
    options: {},
    promisc: false,
    allmulti: kind.allmulti,
    hostAccess: rest.hostAccess ?? false,
    ...(device === undefined ? {} : { deviceID: device }),
    dns: {}
  }
}
