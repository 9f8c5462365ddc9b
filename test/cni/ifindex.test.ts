/** The ifindexes that an attachment's link may get. */
import { assert, describe, it } from "@effect/vitest"
import { candidates } from "../../src/cni/identity/ifindex.ts"

describe("candidates for an ifindex", () => {
  it("lie in [2^30, 2^31), each once", () => {
    const many = candidates("c1", "net1", 100_000)
    assert.isTrue(many.every((index) => Number.isInteger(index) && index >= 2 ** 30 && index < 2 ** 31))
    assert.strictEqual(new Set(many).size, many.length)
  })
  it("are always the same for an attachment", () => {
    assert.deepStrictEqual(candidates("c1", "net1", 100), candidates("c1", "net1", 100))
  })
  it("differ between attachments, and do not run beside each other", () => {
    const all = Array.from({ length: 200 }, (_, number) => candidates(`c${number}`, "net1", 50))
    assert.strictEqual(new Set(all.flat()).size, 200 * 50)
    assert.notDeepEqual(candidates("c1", "net1", 1), candidates("c1", "net2", 1))
  })
})
