import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { decodeResources, encodeResources } from "../../src/devices/resources.ts"

const problem = (text: string): string | undefined => {
  const decoded = decodeResources(text)
  return Result.isFailure(decoded) ? decoded.failure : undefined
}

describe("resources.json", () => {
  it.prop(
    "comes back as it was written",
    [
      Schema.Record(
        Schema.String,
        Schema.Struct({
          lowerDevice: Schema.optionalKey(Schema.String),
          mode: Schema.String,
          capacity: Schema.Int,
          standalone: Schema.Boolean
        })
      )
    ],
    ([resources]) => {
      const decoded = Result.getOrThrow(decodeResources(encodeResources(resources)))
      assert.deepStrictEqual(JSON.parse(encodeResources(decoded)), JSON.parse(encodeResources(resources)))
      assert.strictEqual(Object.keys(decoded).length, Object.keys(resources).length)
    }
  )

  it.prop("any text is resources or a problem, never an exception", [Schema.String], ([text]) => {
    assert.include(["Success", "Failure"], decodeResources(text)._tag)
  })

  it.each([
    ["", "it is empty"],
    [" \n", "it is empty"],
    [encodeResources({ a: { mode: "bridge", capacity: 1, standalone: false } }).slice(0, -9), "it is not JSON"],
    ["\0\0\0\0", "it is not JSON"],
    ["null", "it is not of version 1"],
    [`{"version":2,"resources":{}}`, "it is not of version 1"],
    [`{"version":1,"resources":[]}`, `"resources" is not an object`],
    [`{"version":1,"resources":{"a":{"mode":"bridge"}}}`, `the entry "a" makes no sense`],
    [
      `{"version":1,"resources":{"a":{"mode":"bridge","capacity":1,"standalone":false,"lowerDevice":7}}}`,
      `the entry "a" makes no sense`
    ]
  ])("%j: %s", (text, words) => {
    assert.strictEqual(problem(text), words)
  })

  it("a resource may be called __proto__ or problem", () => {
    const text = `{"version":1,"resources":{"__proto__":{"mode":"vepa","capacity":1,"standalone":false}}}`
    // biome-ignore lint/suspicious/noProto: it is a name like any other here
    assert.strictEqual(Result.getOrThrow(decodeResources(text))["__proto__"]?.mode, "vepa")
    assert.isUndefined(Result.getOrThrow(decodeResources(text))["toString"])
  })
})
