import { assert, describe, it } from "@effect/vitest"
import { between } from "../../bench/write.ts"

describe("what the bench writes into a text", () => {
  it("replaces what stands between the markers, and nothing else", () => {
    const once = between("a\n<!-- x -->\nold\n<!-- /x -->\nb\n", "x", "new $& words")
    assert.strictEqual(once, "a\n<!-- x -->\n\nnew $& words\n\n<!-- /x -->\nb\n")
    assert.strictEqual(between(once, "x", "new $& words"), once)
  })

  it("leaves a text without such markers as it is", () => {
    assert.strictEqual(between("a <!-- y --> b <!-- /y -->", "x", "new"), "a <!-- y --> b <!-- /y -->")
    assert.strictEqual(between("<!-- x --> b", "x", "new"), "<!-- x --> b")
  })
})
