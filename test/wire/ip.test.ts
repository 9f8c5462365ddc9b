/** IP addresses: Node's own parsers judge. */
import { isIP } from "node:net"
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { hex } from "../../src/wire/bytes.ts"
import { decodeIp, encodeIp } from "../../src/wire/ip.ts"

const byte = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 255 }))
const four = Schema.Tuple([byte, byte, byte, byte])
/** Groups of which many are 0, as they are in addresses. */
const group = Schema.Literals([0, 0, 0, 1, 0xff, 0x100, 0xffff])
const eight = Schema.Tuple([group, group, group, group, group, group, group, group])

const bytesOf = (groups: ReadonlyArray<number>): Uint8Array =>
  Uint8Array.from(groups.flatMap((value) => [value >> 8, value & 0xff]))

const hexOf = (text: string): string | undefined => {
  const bytes = encodeIp(text)
  return bytes && hex(bytes)
}

describe("IPv4", () => {
  it.prop("text and back", [four], ([bytes]) => {
    const text = decodeIp(Uint8Array.from(bytes))
    assert.strictEqual(text, bytes.join("."))
    assert.strictEqual(hexOf(text ?? ""), hex(Uint8Array.from(bytes)))
  })

  it.each(["", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4", "1.2.3.4 ", "1.2.3.0x4", "1..3.4", "10"])(
    "%j is none",
    (text) => {
      assert.isUndefined(encodeIp(text))
    }
  )
})

describe("IPv6", () => {
  it.prop("text is as WHATWG's URL writes it, which follows RFC 5952, and is read back", [eight], ([groups]) => {
    const bytes = bytesOf(groups)
    const text = decodeIp(bytes) ?? ""
    assert.strictEqual(isIP(text), 6)
    assert.strictEqual(
      new URL(`http://[${text}]`).hostname,
      new URL(`http://[${groups.map(toHex).join(":")}]`).hostname
    )
    if (!text.includes(".")) assert.strictEqual(`[${text}]`, new URL(`http://[${text}]`).hostname)
    assert.strictEqual(hexOf(text), hex(bytes))
  })

  it.each([
    ["::", "00000000000000000000000000000000"],
    ["::1", "00000000000000000000000000000001"],
    ["fe80::1", "fe800000000000000000000000000001"],
    ["2001:db8::", "20010db8000000000000000000000000"],
    ["2001:db8:0:1:1:1:1:1", "20010db8000000010001000100010001"],
    ["2001:0:0:1::1", "20010000000000010000000000000001"],
    ["::ffff:10.1.2.3", "00000000000000000000ffff0a010203"]
  ])("%s", (text, bytes) => {
    assert.strictEqual(hexOf(text), bytes)
    assert.strictEqual(decodeIp(Uint8Array.from(Buffer.from(bytes, "hex"))), text)
  })

  it.each([
    ["2001:DB8::1", "2001:db8::1"],
    ["1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"],
    ["::10.1.2.3", "::a01:203"],
    ["64:ff9b::10.1.2.3", "64:ff9b::a01:203"]
  ])("%s is read as %s", (text, canonical) => {
    assert.strictEqual(hexOf(text), hexOf(canonical))
  })

  it.each([
    ":",
    ":::",
    "1::2::3",
    "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9",
    "1:2:3:4:5:6:7:8::",
    "12345::",
    "g::",
    "::1%eth0",
    "::10.1.2",
    "10.1.2.3::",
    "1:2:3:4:5:6:7:1.2.3.4",
    "::1.2.3.4:5",
    ":1:2:3:4:5:6:7",
    "[::1]"
  ])("%j is none", (text) => {
    assert.isUndefined(encodeIp(text))
    assert.strictEqual(isIP(text.replace("%eth0", "")) === 6, text.includes("%"))
  })

  it.prop(
    "whatever text there is, Node agrees whether it is an address",
    [Schema.Array(Schema.Literals([":", "::", ".", "0", "1", "ffff", "255", "256", "g"]))],
    ([parts]) => {
      const text = parts.join("")
      assert.strictEqual(encodeIp(text) !== undefined, isIP(text) !== 0, text)
    },
    { arbitrary: { runs: 500, size: 20 } }
  )
})

describe("other lengths", () => {
  it.each([0, 3, 5, 15, 17])("%d bytes are none", (length) => {
    assert.isUndefined(decodeIp(new Uint8Array(length)))
  })
})

function toHex(value: number): string {
  return value.toString(16)
}
