/** The device plugin's configuration, once read. */
import * as Data from "effect/Data"

export { resourceDomain } from "../../devices/resources.ts"

/** Devices of a resource that says no other number, or none above 0. */
export const defaultCapacity = 100

/** One entry. */
export interface ResourceConfig {
  /** `dataplane`, offered as `macvtap.network.kubevirt.io/dataplane`. */
  readonly name: string
  /** Names or patterns of links; a node takes the first that it has. */
  readonly lowerDevice: ReadonlyArray<string>
  readonly mode: string
  readonly capacity: number
  /** Links are made at Allocate, for pods without a network attachment. */
  readonly standalone: boolean
}

/** An empty array asks for a resource for every physical link and bond. */
export type Config =
  | { readonly _tag: "Resources"; readonly resources: ReadonlyArray<ResourceConfig> }
  | { readonly _tag: "Discover" }

/** The configuration is wrong, or cannot be read. One line a problem, each with the place and the key. */
export class ConfigError extends Data.TaggedError("ConfigError")<{
  /** `DP_MACVTAP_CONF`, or the file's path. */
  readonly source: string
  readonly problems: ReadonlyArray<string>
}> {
  override get message(): string {
    return this.problems.map((problem) => `${this.source}: ${problem}`).join("\n")
  }
}

/** The variable from which the configuration is read where there is no `--config`, as kubevirt/macvtap-cni has it. */
export const configVariable = "DP_MACVTAP_CONF"
