/** What is wrong with a text that is no JSON: the words of Go's encoding/json, and the place. */
import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { parseJson } from "../../src/cni/decode/json.ts"
import { jsonFault } from "../../src/cni/decode/jsonFault.ts"

const tooShort = "unexpected end of JSON input"

describe("what is wrong", () => {
  const cases: ReadonlyArray<readonly [text: string, problem: string, where?: string]> = [
    ["", tooShort],
    [" \r\n\t", tooShort],
    ["[1", tooShort],
    ['{"a"', tooShort],
    ['{"a":', tooShort],
    ['"abc', tooShort],
    ['"a\\', tooShort],
    ['"\\u12', tooShort],
    ["tru", tooShort],
    ["-", tooShort],
    ["1.", tooShort],
    ["1e+", tooShort],
    ["x", "invalid character 'x' looking for beginning of value", "line 1, column 1"],
    ["[1,]", "invalid character ']' looking for beginning of value", "line 1, column 4"],
    ["[,]", "invalid character ',' looking for beginning of value", "line 1, column 2"],
    ["\ufeff{}", "invalid character '\\ufeff' looking for beginning of value", "line 1, column 1"],
    ["{1: 2}", "invalid character '1' looking for beginning of object key string", "line 1, column 2"],
    ["{'a': 2}", "invalid character '\\'' looking for beginning of object key string", "line 1, column 2"],
    ['{"a": 1,}', "invalid character '}' looking for beginning of object key string", "line 1, column 9"],
    ['{"a" 1}', "invalid character '1' after object key", "line 1, column 6"],
    ['{\n "a": 1\n "b": 2}', "invalid character '\"' after object key:value pair", "line 3, column 2"],
    ['{"a": 1]', "invalid character ']' after object key:value pair", "line 1, column 8"],
    ["[1 2]", "invalid character '2' after array element", "line 1, column 4"],
    ["[1}", "invalid character '}' after array element", "line 1, column 3"],
    ["{} {}", "invalid character '{' after top-level value", "line 1, column 4"],
    ["01", "invalid character '1' after top-level value", "line 1, column 2"],
    ["{}\0", "invalid character '\\u0000' after top-level value", "line 1, column 3"],
    ["-x", "invalid character 'x' in numeric literal", "line 1, column 2"],
    ["1.x", "invalid character 'x' after decimal point in numeric literal", "line 1, column 3"],
    ["1ex", "invalid character 'x' in exponent of numeric literal", "line 1, column 3"],
    ['"\\q"', "invalid character 'q' in string escape code", "line 1, column 3"],
    ['"\\u12g4"', "invalid character 'g' in \\u hexadecimal character escape", "line 1, column 6"],
    ['"a\tb"', "invalid character '\\t' in string literal", "line 1, column 3"],
    ["trux", "invalid character 'x' in literal true (expecting 'e')", "line 1, column 4"],
    ["nil", "invalid character 'i' in literal null (expecting 'u')", "line 1, column 2"],
    ["fals]", "invalid character ']' in literal false (expecting 'e')", "line 1, column 5"]
  ]
  for (const [text, problem, where] of cases) {
    it(`${JSON.stringify(text)}: ${problem}`, () => {
      assert.deepStrictEqual(jsonFault(text), where === undefined ? { problem } : { problem, where })
      assert.isTrue(Result.isFailure(parseJson(text)))
    })
  }
})

/** Text of the pieces that JSON is made of. */
const nearly = Arbitrary.schema(
  Schema.Array(Schema.Literals([..."{}[],:\"\\ \n-+.01eE'", "true", "null", '"a"', '"a":', "\\u0041", "\\n", "1.5e3"]))
).pipe(Arbitrary.map((parts) => parts.join("")))

const parses = (text: string): boolean => {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

describe("the scanner agrees with the engine's parser", () => {
  // What has no fault can only have been refused for its depth.
  const agrees = (text: string) =>
    assert.strictEqual(jsonFault(text).problem === "exceeded max depth", parses(text), text)

  it.prop("on text that is nearly JSON", [nearly], ([text]) => agrees(text), { arbitrary: { runs: 2000 } })
  it.prop(
    "on JSON",
    [Schema.Array(Schema.Record(Schema.String, Schema.Union([Schema.String, Schema.Finite])))],
    ([value]) => {
      agrees(JSON.stringify(value))
      agrees(JSON.stringify(value, undefined, 2))
    }
  )
})
