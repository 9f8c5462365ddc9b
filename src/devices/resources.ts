/**
 * What the device plugin offers on this node, as it writes it down for ADD: `resources.json` in the state folder, which
 * survives a reboot. Pure: text in, data out.
 */
import * as Result from "effect/Result"
import { isObject, parseBounded } from "../wire/boundedJson.ts"

/** What a resource's name has before its `/`. */
export const resourceDomain = "macvtap.network.kubevirt.io"

/** Where the state is unless somebody says otherwise; /run would not survive a reboot, the kubelet's checkpoint does. */
export const defaultStateFolder = "/var/lib/macvtap-cni"

export const resourcesFile = (stateFolder: string): string => `${stateFolder}/resources.json`

/** The folder of our own device nodes. */
export const nodeFolder = (stateFolder: string): string => `${stateFolder}/dev`

/** `deviceID` has to be one of ours (`parseDeviceID`), which contains no `/`. */
export const nodePath = (stateFolder: string, deviceID: string): string => `${nodeFolder(stateFolder)}/${deviceID}`

/** One resource: what its devices are links of. */
export interface Resource {
  /** The host's link; absent while the node has none of those that are configured. */
  readonly lowerDevice?: string
  /** `bridge`, `vepa`, `private` or `passthru`. */
  readonly mode: string
  readonly capacity: number
  /** Links are made at Allocate, for pods without a network attachment; ADD imports them. */
  readonly standalone: boolean
}

/** By resource name. */
export type Resources = Readonly<Record<string, Resource>>

/** Written for people too, since a person at a node looks into it. */
export const encodeResources = (resources: Resources): string =>
  `${JSON.stringify({ version: 1, resources }, undefined, 2)}\n`

/** Of more resources than a configuration can ask for. */
const bounds = { parts: 100_000, depth: 8 }

const decodeResource = (value: unknown): Resource | undefined => {
  if (!isObject(value)) return undefined
  const { lowerDevice, mode, capacity, standalone } = value
  if (typeof mode !== "string" || typeof capacity !== "number" || typeof standalone !== "boolean") return undefined
  if (lowerDevice === undefined) return { mode, capacity, standalone }
  return typeof lowerDevice === "string" ? { lowerDevice, mode, capacity, standalone } : undefined
}

/** The resources, or in words what is wrong with the text. Keys of newer versions are left out. Never throws. */
export const decodeResources = (text: string): Result.Result<Resources, string> => {
  const parsed = parseBounded(text, bounds)
  if (Result.isFailure(parsed)) return Result.fail(`it ${parsed.failure}`)
  const document = parsed.success
  if (!isObject(document) || document["version"] !== 1) return Result.fail("it is not of version 1")
  const entries = document["resources"]
  if (!isObject(entries)) return Result.fail(`"resources" is not an object`)
  const resources: Record<string, Resource> = Object.create(null)
  for (const [name, value] of Object.entries(entries)) {
    const resource = decodeResource(value)
    if (resource === undefined) return Result.fail(`the entry "${name}" makes no sense`)
    resources[name] = resource
  }
  return Result.succeed(resources)
}
