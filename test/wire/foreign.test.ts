import { assert, describe, it } from "@effect/vitest"
import { escapeText, jsonText, quote, shorten } from "../../src/wire/foreign.ts"

/** What a terminal obeys, what turns text around, what is not seen. */
const hostile =
  "\u0000\u0007\b\u001b[2J\u007f\u009b\u00ad\u061c\u200b\u200e\u200f\u2028\u2029\u202a\u202e\u2066\u2069\ufeff\ud800\u{e0041}"
const unseen = /[\p{C}\p{Zl}\p{Zp}]/u

describe("text from outside", () => {
  it("keeps what can be seen", () => {
    for (const text of ["", "eth0", `a"b\\c`, "Ärger 日本 😀", "a b\u00a0c"]) assert.strictEqual(escapeText(text), text)
  })

  it("has everything written out that a terminal would obey or a reader not see", () => {
    assert.strictEqual(
      escapeText("a\tb\nc\rd\u001b[31m\u202ee\u{e0041}"),
      "a\\tb\\nc\\rd\\u001b[31m\\u202ee\\udb40\\udc41"
    )
    for (const character of hostile) {
      const code = character.codePointAt(0) ?? 0
      assert.notMatch(escapeText(`x${character}y`), unseen, code.toString(16))
    }
  })

  it("is quoted as JSON has it, so that it can be read back", () => {
    const text = `net\n"1"\\${hostile}`
    assert.notMatch(quote(text), unseen)
    assert.strictEqual(JSON.parse(quote(text)), text)
  })

  it("is cut on a whole character", () => {
    assert.strictEqual(shorten("abc", 3), "abc")
    assert.strictEqual(shorten("abcd", 3), "abc…")
    assert.strictEqual(shorten("ab😀d", 3), "ab…")
  })

  it("is as safe in a document, indented or not, which means what it meant", () => {
    const value = { [hostile]: [hostile, { deep: `\n${hostile}` }], plain: 1 }
    for (const indent of [undefined, 2, 4]) {
      const text = jsonText(value, indent)
      assert.notMatch(text.replaceAll("\n", ""), unseen)
      assert.deepStrictEqual(JSON.parse(text), value)
      assert.strictEqual(text.includes("\n"), indent !== undefined)
    }
  })

  it("changes nothing of a document that holds nothing foreign", () => {
    const value = { a: [1, "é"], b: { c: null } }
    assert.strictEqual(jsonText(value, 2), JSON.stringify(value, undefined, 2))
  })
})
