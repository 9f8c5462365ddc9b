import * as Effect from "effect/Effect"
import { type Kernel, makeKernel } from "../../src/mock/Kernel.ts"
import { allLinks, deviceOf } from "../../src/mock/kernel/taps.ts"
import { mockLayer } from "../../src/mock/layer.ts"
import type { Snapshot } from "../../src/mock/snapshot.ts"
import type { MakeWorld, World } from "./World.ts"

export interface MockScene {
  readonly kernel: Kernel
  readonly world: World
  /** The kernel as it was before anything was put there. */
  readonly empty: Snapshot
}

export const mockScene = (): MockScene => {
  const kernel = makeKernel()
  const empty = kernel.snapshot()
  const [host, c1, c2] = ["/run/netns/host", "/run/netns/c1", "/run/netns/c2"] as const
  for (const path of [host, c1, c2]) kernel.addNetns(path)
  kernel.addVeth({ netns: host, name: "wire0" }, { netns: host, name: "eth0" })
  const scene: World["scene"] = {
    addNetns: async (netns) => kernel.addNetns(netns),
    removeNetns: async (netns) => kernel.removeNetns(netns),
    addBridge: async (netns, name) => kernel.addLink({ netns, name, kind: "bridge" }),
    enslave: async (netns, name, bridge) => kernel.enslave(netns, name, bridge),
    removeLink: async (netns, name) => kernel.removeLink(netns, name),
    linkOf: async (device) => [...allLinks(kernel.machine)].find((link) => deviceOf(link) === device)?.name
  }
  return { kernel, empty, world: { layer: mockLayer(kernel), host, c1, c2, scene } }
}

export const mockWorld: MakeWorld = Effect.sync(() => mockScene().world)
