/** What holds of every kind, whatever its table. */
import { assert, describe, it } from "@effect/vitest"
import { kindByName, kinds } from "../../src/link/kinds.ts"
import { macvlan } from "../../src/link/macvlan.ts"
import { macvtap } from "../../src/link/macvtap.ts"
import { assertKind } from "./assertKind.ts"

for (const kind of kinds) {
  describe(kind.kind, () => {
    assertKind(kind)

    it("is found by its name", () => {
      assert.strictEqual(kindByName(kind.kind), kind)
    })
  })
}

describe("kinds", () => {
  it("have names of their own", () => {
    assert.lengthOf(new Set(kinds.map(({ kind }) => kind)), kinds.length)
  })

  it("do not answer to other names", () => {
    for (const name of ["", "veth", "MACVTAP", "constructor"]) assert.isUndefined(kindByName(name))
  })

  it("macvtap is macvlan's table with a tap, and hears the multicast of its guest's groups", () => {
    assert.deepStrictEqual(macvtap, { ...macvlan, kind: "macvtap", device: "tap", allmulti: true })
    assert.isFalse(macvlan.allmulti)
    assert.isUndefined(macvlan.device)
  })
})
