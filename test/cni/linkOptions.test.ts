/** Options by any kind's table: only the zero value of an option's own JSON type says the same as no key. */
import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import { linkOptions } from "../../src/cni/config/linkOptions.ts"
import { describeFault } from "../../src/cni/decode/decode.ts"
import { flagsCodec, macsCodec, namesCodec, s32Codec, u32Codec } from "../../src/link/codecs.ts"
import type { AttributeCodec, LinkKind } from "../../src/link/LinkKind.ts"

/** No table has one yet: a byte that is 0 or 1. */
const flagCodec: AttributeCodec<boolean> = {
  encode: (value) => Uint8Array.of(value ? 1 : 0),
  decode: ([byte]) => (byte === undefined ? undefined : byte !== 0),
  parse: (value) => (typeof value === "boolean" ? value : undefined),
  expected: "true or false"
}

/** Each sort of codec, and the zero value that says nothing; a flag has none. */
const sorts: ReadonlyArray<readonly [name: string, codec: AttributeCodec, unset: unknown]> = [
  ["names", namesCodec({ l2: 0, l3: 1 }, "u16"), ""],
  ["numbers", u32Codec(), 0],
  ["numbers from 1", u32Codec(1), 0],
  ["numbers from 1000", u32Codec(1000), 0],
  ["signed numbers", s32Codec, 0],
  ["flags", flagsCodec({ nodst: 2 }), []],
  ["MAC addresses", macsCodec(4), []],
  ["true or false", flagCodec, undefined]
]

const read = (codec: AttributeCodec, value: unknown) => {
  const kind: LinkKind = { kind: "any", allmulti: false, attributes: { option: { type: 1, codec, key: "key" } } }
  return Result.mapError(linkOptions(kind)({ key: value }), describeFault)
}

describe.each(sorts)("an option of %s", (_, codec, unset) => {
  it("is not set where there is no key, null, or its own zero", () => {
    for (const value of [undefined, null, unset]) assert.deepStrictEqual(read(codec, value), Result.succeed({}))
  })

  it("refuses the zeros of other types, and says what is right", () => {
    const foreign = ["", 0, false, []].filter((zero) => typeof zero !== typeof unset && codec.parse(zero) === undefined)
    assert.lengthOf(foreign, 3)
    for (const value of foreign) {
      const words = Result.match(read(codec, value), { onFailure: (said) => said, onSuccess: () => "accepted" })
      assert.match(words, /^key: expected .*, got (""|0|false|\[\])$/)
      assert.include(words, codec.expected)
    }
  })
})

it("a flag that is false is set", () => {
  assert.deepStrictEqual(read(flagCodec, false), Result.succeed({ option: false }))
})

it("a number's words have 0 in them", () => {
  assert.deepStrictEqual(
    read(u32Codec(1), -1),
    Result.fail("key: expected a whole number from 1 to 4294967295, or 0 for the default, got -1")
  )
})
