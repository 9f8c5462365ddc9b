/** The error object, and that of other plugins. */
import { assert, describe, it } from "@effect/vitest"
import { CniError, errorDocument } from "../../src/cni/call/CniError.ts"
import { parseErrorDocument } from "../../src/cni/call/errorDocument.ts"

const parts = (error: CniError | undefined) => error && { code: error.code, msg: error.msg, details: error.details }

describe("an error object", () => {
  it("is indented by 4 spaces, without a newline at its end", () => {
    assert.strictEqual(
      errorDocument(new CniError({ code: 7, msg: "m", details: "d" }), "1.1.0"),
      '{\n    "cniVersion": "1.1.0",\n    "code": 7,\n    "msg": "m",\n    "details": "d"\n}'
    )
  })
  for (const error of [new CniError({ code: 4, msg: "m" }), new CniError({ code: 4, msg: "m", details: "" })]) {
    it("has no empty details", () => {
      assert.deepStrictEqual(JSON.parse(errorDocument(error, "0.1.0")), { cniVersion: "0.1.0", code: 4, msg: "m" })
    })
  }
  it("is read as it was written, but for what a terminal would obey", () => {
    const error = new CniError({ code: 11, msg: 'a "b"', details: "d" })
    assert.deepStrictEqual(parts(parseErrorDocument(errorDocument(error, "1.1.0"))), parts(error))
    const hostile = new CniError({ code: 11, msg: "a\n\u001b[2J", details: "\u0000\u202e" })
    const { msg, details } = JSON.parse(errorDocument(hostile, "1.1.0"))
    assert.deepStrictEqual([msg, details], ["a\\n\\u001b[2J", "\\u0000\\u202e"])
  })

  const others: ReadonlyArray<readonly [text: string, parts: object | undefined]> = [
    ['{"code": 11, "msg": "later"}', { code: 11, msg: "later", details: undefined }],
    ['{"Code": 0, "MSG": "zero"}', { code: 0, msg: "zero", details: undefined }],
    ['{"msg": "no code"}', { code: 999, msg: "no code", details: undefined }],
    ["", undefined],
    ["{}", undefined],
    ["null", undefined],
    ["[]", undefined],
    ['{"code": 11}', undefined],
    ['{"code": "11", "msg": "x"}', undefined],
    ['{"code": 11, "msg": 5}', undefined],
    ['{"code": 11, "msg": "x"}{}', undefined]
  ]
  for (const [text, expected] of others) {
    it(`${JSON.stringify(text)} is ${expected === undefined ? "none" : "one"}`, () => {
      assert.deepStrictEqual(parts(parseErrorDocument(text)), expected)
    })
  }
})
