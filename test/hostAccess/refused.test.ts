/** Where host access cannot work, an ADD says why and what to do, and makes nothing. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { callOn } from "../lab/call/onMock.ts"
import { invocation, makeNode } from "../lab/call/plain.ts"
import { assertError } from "../lab/call/wellFormed.ts"

const ipam = { type: "host-local", subnet: "10.1.0.0/24" }

const refused: ReadonlyArray<readonly [name: string, conf: object, says: string]> = [
  ["without addresses", {}, `the network has no "ipam"`],
  ["in mode private", { ipam, mode: "private" }, `mode is "private"`],
  ["in mode vepa", { ipam, mode: "vepa" }, `mode is "vepa"`],
  ["in mode passthru", { ipam, mode: "passthru" }, `mode is "passthru"`],
  ["on a master of the container's", { ipam, linkInContainer: true }, `"linkInContainer" is true`],
  ["that is no truth value", { ipam, hostAccess: "yes" }, "hostAccess"]
]

describe("host access is refused", () => {
  it.effect.each(refused)("%s", ([, conf, says]) =>
    Effect.gen(function* () {
      const kernel = makeNode()
      const before = kernel.snapshot()
      const { status, stdout } = yield* callOn(kernel, invocation("ADD", { conf: { hostAccess: true, ...conf } }))
      assert.strictEqual(status, 1)
      const { code, msg } = assertError(stdout)
      assert.strictEqual(code, 7)
      assert.include(msg, says)
      assert.deepStrictEqual(kernel.snapshot(), before)
    })
  )
})
