import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { decodeMac, encodeMac, isUnicastMac, parseMac } from "../../src/wire/mac.ts"

const byte = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 255 }))
const six = Schema.Tuple([byte, byte, byte, byte, byte, byte])

describe("MAC addresses", () => {
  it.prop("bytes, text and back", [six], ([bytes]) => {
    const mac = decodeMac(Uint8Array.from(bytes)) ?? ""
    assert.deepStrictEqual([...encodeMac(mac)], [...bytes])
    assert.strictEqual(parseMac(mac), mac)
    assert.strictEqual(parseMac(mac.toUpperCase().replaceAll(":", "-")), mac)
    assert.strictEqual(parseMac(mac.replaceAll(":", "").replace(/(.{4})(.{4})/, "$1.$2.")), mac)
  })

  it.each([
    "",
    "02:03:04:05:06",
    "02:03:04:05:06:07:08",
    "02:03-04:05:06:07",
    "2:3:4:5:6:7",
    "020304050607",
    "02:03:04:05:06:0g",
    " 02:03:04:05:06:07",
    "02:03:04:05:06:07\n",
    "0203:0405:0607"
  ])("%j is none", (text) => {
    assert.isUndefined(parseMac(text))
  })

  it("a link's own is neither multicast nor zero", () => {
    assert.isTrue(isUnicastMac("02:00:00:00:00:01"))
    assert.isTrue(isUnicastMac("00:00:00:00:00:01"))
    for (const mac of ["00:00:00:00:00:00", "01:00:5e:00:00:01", "ff:ff:ff:ff:ff:ff"]) assert.isFalse(isUnicastMac(mac))
  })

  it("hardware addresses of other lengths are none", () => {
    for (const length of [0, 4, 5, 7, 8, 20]) assert.isUndefined(decodeMac(new Uint8Array(length)))
  })
})
