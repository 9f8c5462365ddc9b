/** The edits of `npm run mutants` can be made, and the tests that are to notice are there; whether they do takes minutes. */
import { existsSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "vitest"
import { attackEdits } from "./attacks.ts"
import { commandEdits } from "./commands.ts"
import { devicePluginEdits } from "./devicePlugin.ts"
import { applied, inWords } from "./Edit.ts"
import { liveEdits } from "./live.ts"

const at = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url))

const edits = [...commandEdits, ...liveEdits, ...devicePluginEdits, ...attackEdits]

describe("the edits", () => {
  it("are sixty and more, each once", () => {
    assert.isAtLeast(edits.length, 60)
    assert.strictEqual(new Set(edits.map(inWords)).size, edits.length)
  })

  it.each(edits.map((edit) => [inWords(edit), edit] as const))("%s", (_, edit) => {
    const text = readFileSync(at(`src/${edit.file}`), "utf8")
    assert.notStrictEqual(applied(edit, text), text)
    assert.isNotEmpty(edit.tests)
    for (const test of edit.tests) assert.isTrue(existsSync(at(`test/${test}`)), test)
  })
})
