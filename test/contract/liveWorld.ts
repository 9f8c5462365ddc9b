import { readlink } from "node:fs/promises"
import { basename } from "node:path"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { liveServices } from "../../src/live/layer.ts"
import { ip, run } from "../lab/run.ts"
import type { MakeWorld, Scene, World } from "./World.ts"

let counter = 0

const scene: Scene = {
  addNetns: async (netns) => void (await ip(`netns add ${basename(netns)}`)),
  removeNetns: async (netns) => void (await ip(`netns del ${basename(netns)}`)),
  addBridge: async (netns, name) => void (await ip(`-n ${basename(netns)} link add ${name} up type bridge`)),
  enslave: async (netns, name, bridge) => void (await ip(`-n ${basename(netns)} link set ${name} master ${bridge}`)),
  removeLink: async (netns, name) => void (await ip(`-n ${basename(netns)} link del ${name}`)),
  // ../../devices/virtual/net/net1/macvtap/tap7
  linkOf: (device) =>
    readlink(`/sys/dev/char/${device}`).then(
      (target) => target.split("/").at(-3),
      () => undefined
    )
}

/** Namespaces of their own on this machine's kernel; `host` only stands in for the host's. */
export const liveWorld: MakeWorld = Effect.acquireRelease(
  Effect.promise(async (): Promise<World> => {
    const prefix = `mk-${process.pid}-${++counter}`
    const [host, c1, c2] = [`/run/netns/${prefix}-host`, `/run/netns/${prefix}-c1`, `/run/netns/${prefix}-c2`] as const
    for (const path of [host, c1, c2]) await scene.addNetns(path)
    await ip(`-n ${basename(host)} link add eth0 type veth peer name wire0`)
    for (const end of ["wire0", "eth0"]) await ip(`-n ${basename(host)} link set ${end} up`)
    return { layer: Layer.succeedContext(liveServices({ knowsAbsence: false })), host, c1, c2, scene }
  }),
  ({ host, c1, c2 }) =>
    Effect.promise(async () => {
      for (const path of [c2, c1, host]) await run("ip", ["netns", "del", basename(path)])
    })
)
