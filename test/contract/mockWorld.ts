import * as Effect from "effect/Effect"
import { makeKernel } from "../../src/mock/Kernel.ts"
import { mockLayer } from "../../src/mock/layer.ts"
import type { MakeWorld } from "./World.ts"

export const mockWorld: MakeWorld = Effect.sync(() => {
  const kernel = makeKernel()
  const [host, c1, c2] = ["/run/netns/host", "/run/netns/c1", "/run/netns/c2"] as const
  for (const path of [host, c1, c2]) kernel.addNetns(path)
  kernel.addVeth({ netns: host, name: "wire0" }, { netns: host, name: "eth0" })
  return {
    layer: mockLayer(kernel),
    host,
    c1,
    c2,
    scene: {
      addNetns: async (netns) => kernel.addNetns(netns),
      removeNetns: async (netns) => kernel.removeNetns(netns),
      addVeth: async (netns, name, peer) => kernel.addVeth({ netns, name }, { netns, name: peer }),
      addBridge: async (netns, name) => kernel.addLink({ netns, name, kind: "bridge" }),
      enslave: async (netns, name, bridge) => kernel.enslave(netns, name, bridge),
      removeLink: async (netns, name) => kernel.removeLink(netns, name)
    }
  }
})
