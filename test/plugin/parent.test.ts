/** A link without a master: of the default routes the one that the node's own traffic takes says which link to use. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { callOn } from "../lab/call/onMock.ts"
import { invocation, makeNode } from "../lab/call/plain.ts"

describe("a network without a master is on the default route's link", () => {
  // The kernel lists an IPv4 route that came later before those that were there.
  const others: ReadonlyArray<readonly [string, { table?: number; priority?: number }]> = [
    ["not that of another table", { table: 100 }],
    ["not that of a route with a higher metric", { priority: 50 }]
  ]

  it.effect.each(others)("%s", ([, other]) =>
    Effect.gen(function* () {
      const kernel = makeNode()
      kernel.addLink({ name: "eth1", index: 3 })
      kernel.inside().routeAdd({ family: 4, dst: "0.0.0.0", prefix: 0, dev: 3, ...other })
      assert.deepInclude(
        kernel
          .inside()
          .routes()
          .find(({ prefix }) => prefix === 0),
        { dev: 3 }
      )
      const conf = { type: "macvlan", master: undefined }
      const { status, stdout } = yield* callOn(kernel, invocation("ADD", { conf }))
      assert.strictEqual(status, 0, stdout)
      assert.strictEqual(kernel.inside("/run/netns/c1").link("net1").parent?.index, 2)
    })
  )
})
