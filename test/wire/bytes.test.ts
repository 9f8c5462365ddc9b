import { endianness } from "node:os"
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import {
  concat,
  cstring,
  hex,
  readS32,
  readText,
  readU8,
  readU16,
  readU32,
  s32,
  text,
  u8,
  u16,
  u32
} from "../../src/wire/bytes.ts"

const within = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

describe("bytes", () => {
  it("are in the order of this machine", () => {
    assert.strictEqual(endianness(), "LE")
    assert.deepStrictEqual([...u32(0x01020304)], [...new Uint8Array(Uint32Array.of(0x01020304).buffer)])
  })

  it.prop(
    "numbers, written and read back",
    [within(0, 0xff), within(0, 0xffff), within(0, 0xffffffff), within(-0x80000000, 0x7fffffff)],
    ([byte, short, word, signed]) => {
      assert.strictEqual(readU8(u8(byte)), byte)
      assert.strictEqual(readU16(u16(short)), short)
      assert.strictEqual(readU32(u32(word)), word)
      assert.strictEqual(readS32(s32(signed)) ?? Number.NaN, signed + 0)
    }
  )

  it("are read at an offset, within a view, and never beyond its end", () => {
    const view = Uint8Array.of(9, 9, 1, 2, 3, 4, 9).subarray(2, 6)
    assert.strictEqual(readU16(view, 2), 0x0403)
    assert.strictEqual(readU32(view), 0x04030201)
    for (const read of [readU8, readU16, readU32, readS32]) assert.isUndefined(read(view, 4))
    for (const read of [readU32, readS32]) assert.isUndefined(read(view, 1))
    assert.isUndefined(readU16(view, 3))
  })

  it("of text end at the first NUL, if there is one", () => {
    assert.strictEqual(hex(cstring("né")), "6ec3a900")
    assert.strictEqual(hex(text("né")), "6ec3a9")
    assert.strictEqual(readText(concat([cstring("net1"), text("rest")])), "net1")
    assert.strictEqual(readText(text("net1")), "net1")
    assert.strictEqual(readText(new Uint8Array()), "")
  })
})
