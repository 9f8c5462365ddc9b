/** Vectors of the npm package xxhash-wasm; the first six are also in the tests of github.com/cespare/xxhash. */
import { assert, describe, it } from "@effect/vitest"
import { deviceName } from "../../src/devices/deviceName.ts"
import { xxHash64 } from "../../src/wire/xxHash64.ts"

const vectors: ReadonlyArray<readonly [text: string, hash: string]> = [
  ["", "ef46db3751d8e999"],
  ["a", "d24ec4f1a98c6e5b"],
  ["as", "1c330fb2d66be179"],
  ["asd", "631c37ce72a97393"],
  ["asdf", "415872f599cea71e"],
  ["Call me Ishmael. Some years ago--never mind how long precisely-", "02a2e85470d6fd96"],
  ["Nobody inspects the spammish repetition", "fbcea83c8a378bf1"],
  ["0123456", "97ee4fe4a0ff4dfa"],
  ["01234567", "e4ba22a49ad89d3f"],
  ["0123456789ab", "862e292326b8a4fc"],
  ["x".repeat(31), "60dd0d01083b99f0"],
  ["x".repeat(32), "e2df261fc2ec30eb"],
  ["x".repeat(33), "b3fa465f554208a6"],
  [`${"0123456789abcdef".repeat(4)}0123456789abc`, "d0a6b2fd482e7746"],
  ["äöü€😀", "40e6d014032167fa"],
  ["eth0Mvp83", "e716f19ca79529c8"],
  ["d778", "3b7500007feaeb53"]
]

describe("xxHash64", () => {
  for (const [text, hash] of vectors) {
    it(`of ${JSON.stringify(text)}`, () => {
      assert.strictEqual(xxHash64(text).toString(16).padStart(16, "0"), hash)
    })
  }
})

describe("the name of a device's link", () => {
  it("is mvt and the low 48 bits", () => {
    assert.strictEqual(deviceName("eth0Mvp83"), "mvtf19ca79529c8")
  })
  it("keeps leading zeros", () => {
    assert.strictEqual(deviceName("d778"), "mvt00007feaeb53")
  })
})
