import { it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { assert, describe } from "vitest"
import type { Kernel } from "../../../src/mock/Kernel.ts"
import type { LinkSnapshot } from "../../../src/mock/snapshot.ts"
import { mockScene } from "../mockWorld.ts"
import { placeNames, sequence } from "./operations.ts"
import { makeRig } from "./Rig.ts"
import { makeRandom } from "./random.ts"

const seed = process.env["MODEL_SEED"] ?? "macvtap"
const runs = 60

const allLinks = (kernel: Kernel): ReadonlyArray<LinkSnapshot> =>
  Object.values(kernel.snapshot().namespaces).flatMap(({ links }) => links)

/** What holds of every state, however it was reached. */
const checkInvariants = (kernel: Kernel): void => {
  const { namespaces, nodes } = kernel.snapshot()
  const links = allLinks(kernel)
  const devices = links.flatMap(({ device }) => device ?? [])
  assert.lengthOf([...new Set(devices)], devices.length, "each tap has a number of its own")
  for (const [path, { device }] of Object.entries(nodes)) {
    const owner = links.find((link) => link.device === device)
    assert.strictEqual(path, `/dev/tap${owner?.index}`, "a node belongs to a link of its ifindex")
  }
  const ups = links.filter(({ lower, flags }) => lower !== undefined && flags.includes("up"))
  const claims = ups.map(({ lower, mac }) => `${lower} ${mac}`)
  assert.lengthOf([...new Set(claims)], claims.length, "links that are up have MAC addresses of their own")
  for (const [id, netns] of Object.entries(namespaces)) {
    const names = netns.links.map(({ name }) => name)
    assert.lengthOf([...new Set(names)], names.length, `names are unique in ${id}`)
    for (const { lower, mtu } of netns.links) {
      const [below, index] = lower?.split("/") ?? []
      const parent = namespaces[below ?? ""]?.links.find((link) => String(link.index) === index)
      assert.strictEqual(parent === undefined, lower === undefined, "a link's parent is there")
      if (parent !== undefined) assert.isAtMost(mtu, parent.mtu, "no link has more than its parent's MTU")
    }
  }
}

/** Operations that a refusal leaves without any effect; the others keep what came before it. */
const atomic = new Set(["Add", "Delete", "DeleteParent", "AddAddress", "AddRoute", "Sysctl"])

describe(`random sequences on the kernel in memory (MODEL_SEED=${seed})`, () => {
  it.live(`keep its invariants, and refusals change nothing, in ${runs} runs`, () =>
    Effect.gen(function* () {
      for (let run = 0; run < runs; run++) {
        const scene = mockScene()
        const rig = yield* makeRig(Effect.succeed(scene.world), 1_700_000_000)
        for (const operation of sequence(makeRandom(`${seed} ${run}`), 30)) {
          const before = scene.kernel.snapshot()
          const said = yield* rig.perform(operation, yield* rig.targetOf(operation))
          checkInvariants(scene.kernel)
          if (said !== "ok" && atomic.has(operation._tag)) assert.deepStrictEqual(scene.kernel.snapshot(), before)
        }
      }
    }).pipe(Effect.scoped)
  )

  it.live("leave nothing behind once their links and namespaces are gone", () =>
    Effect.gen(function* () {
      for (let run = 0; run < runs; run++) {
        const scene = mockScene()
        const scope = yield* Scope.make()
        const rig = yield* Scope.provide(makeRig(Effect.succeed(scene.world), 1_700_000_000), scope)
        for (const operation of sequence(makeRandom(`${seed} ${run}`), 30)) {
          yield* rig.perform(operation, yield* rig.targetOf(operation))
        }
        yield* Scope.close(scope, Exit.void)
        for (const place of placeNames) scene.kernel.removeNetns(scene.world[place])
        assert.deepStrictEqual(scene.kernel.snapshot(), mockScene().empty)
      }
    })
  )
})
