/** What a contract is held against: a kernel, real or in memory, with a scene in it. */
import type * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type { NetlinkService } from "../../src/services/NetlinkService.ts"
import type { NetnsService } from "../../src/services/NetnsService.ts"
import type { TapService } from "../../src/services/TapService.ts"

export type ContractServices = NetlinkService | NetnsService | TapService

/** What people and other programs do there; `netns` is a path. */
export interface Scene {
  readonly addNetns: (netns: string) => Promise<void>
  readonly removeNetns: (netns: string) => Promise<void>
  readonly addBridge: (netns: string, name: string) => Promise<void>
  readonly enslave: (netns: string, name: string, bridge: string) => Promise<void>
  readonly removeLink: (netns: string, name: string) => Promise<void>
  /** The name of the link whose tap has that number, in whichever namespace. */
  readonly linkOf: (device: string) => Promise<string | undefined>
}

/**
 * `host` has eth0 (a veth, ifindex 3, up) and its other end wire0 (ifindex 2, up); `c1` and `c2` have a loopback link that
 * is down. All three are paths of namespaces.
 */
export interface World {
  readonly layer: Layer.Layer<ContractServices>
  readonly host: string
  readonly c1: string
  readonly c2: string
  readonly scene: Scene
}

/** A new world for each test, gone with its scope. */
export type MakeWorld = Effect.Effect<World, never, Scope.Scope>

/** eth0's ifindex in the host's namespace. */
export const parent = 3
