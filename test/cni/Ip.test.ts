/** Addresses against two other implementations: node:net says what is one, the URL parser how IPv6 is written. */
import { isIP } from "node:net"
import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Schema from "effect/Schema"
import { formatCidr, isDefaultRoute, networkOf, parseCidr, parseIp } from "../../src/cni/result/Ip.ts"

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

/** Half of the groups are zero, so that there are runs. */
const groups = Schema.Array(Schema.Union([Schema.Literal(0), between(0, 0xffff)])).check(
  Schema.isMinLength(8),
  Schema.isMaxLength(8)
)

/** Text that is nearly an address. */
const nearly = Arbitrary.schema(Schema.Array(Schema.Literals([..."01fF.:/%", "255", "256", "::", "1.2.3.4"]))).pipe(
  Arbitrary.map((parts) => parts.join(""))
)

const byUrl = (text: string): string => new URL(`http://[${text}]`).hostname.slice(1, -1)

const isMapped = (text: string): boolean => byUrl(text).startsWith("::ffff:")

describe("addresses", () => {
  it.prop("node:net agrees on what is one", [nearly], ([text]) => {
    const expected = isIP(text.includes("%") ? "" : text)
    const found = parseIp(text)
    assert.strictEqual(found !== undefined, expected !== 0, text)
    if (found !== undefined && !(expected === 6 && isMapped(text))) assert.strictEqual(found.family, expected)
  })

  it.prop("the URL parser agrees on how IPv6 is written", [groups, Schema.Boolean], ([parts, long]) => {
    const text = parts
      .map((part) =>
        part
          .toString(16)
          .padStart(long ? 4 : 1, "0")
          .toUpperCase()
      )
      .join(":")
    if (!isMapped(text)) assert.strictEqual(parseIp(text)?.address, byUrl(text))
  })

  it.prop("what is written is read as the same", [groups], ([parts]) => {
    const first = parseIp(parts.map((part) => part.toString(16)).join(":"))
    assert.deepStrictEqual(parseIp(first?.address ?? ""), first)
  })

  const cases: ReadonlyArray<readonly [text: string, canonical: string | undefined]> = [
    ["10.1.2.3", "10.1.2.3"],
    ["0.0.0.0", "0.0.0.0"],
    ["255.255.255.255", "255.255.255.255"],
    ["10.1.2.03", undefined],
    ["10.1.2", undefined],
    ["10.1.2.3.4", undefined],
    ["10.1.2.256", undefined],
    ["10.1.2.-3", undefined],
    [" 10.1.2.3", undefined],
    ["0x0a.1.2.3", undefined],
    ["", undefined],
    ["::", "::"],
    ["::1", "::1"],
    ["FE80::A", "fe80::a"],
    ["2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
    ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
    ["1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"],
    ["::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"],
    ["1:2:3:4::5:6:7:8", undefined],
    ["1::2::3", undefined],
    [":::", undefined],
    [":1", undefined],
    ["1:", undefined],
    ["12345::", undefined],
    ["::10.1.2.3", "::a01:203"],
    ["::ffff:10.1.2.3", "10.1.2.3"],
    ["::FFFF:0a01:0203", "10.1.2.3"],
    ["10.1.2.3::", undefined],
    ["fe80::1%eth0", undefined],
    ["1".repeat(100_000), undefined],
    [":".repeat(100_000), undefined]
  ]
  for (const [text, canonical] of cases) {
    it(`${JSON.stringify(text.slice(0, 40))} is ${canonical ?? "none"}`, () => {
      assert.strictEqual(parseIp(text)?.address, canonical)
    })
  }
})

describe("addresses with a prefix", () => {
  const cases: ReadonlyArray<readonly [text: string, canonical: string | undefined, network?: string]> = [
    ["10.1.2.3/24", "10.1.2.3/24", "10.1.2.0/24"],
    ["10.1.2.3/32", "10.1.2.3/32", "10.1.2.3/32"],
    ["10.1.2.3/0", "10.1.2.3/0", "0.0.0.0/0"],
    ["10.255.2.3/13", "10.255.2.3/13", "10.248.0.0/13"],
    ["FD00:0::1/64", "fd00::1/64", "fd00::/64"],
    ["fd00::ffff/113", "fd00::ffff/113", "fd00::8000/113"],
    ["::1/128", "::1/128", "::1/128"],
    ["::/0", "::/0", "::/0"],
    ["::ffff:10.1.2.3/120", "10.1.2.3/24", "10.1.2.0/24"],
    ["::ffff:10.1.2.3/95", undefined],
    ["10.1.2.3/33", undefined],
    ["::1/129", undefined],
    ["10.1.2.3", undefined],
    ["10.1.2.3/", undefined],
    ["10.1.2.3/024", undefined],
    ["10.1.2.3/+24", undefined],
    ["10.1.2.3/-1", undefined],
    ["10.1.2.3/24/24", undefined],
    ["/24", undefined],
    ["", undefined]
  ]
  for (const [text, canonical, network] of cases) {
    it(`${JSON.stringify(text)} is ${canonical ?? "none"}`, () => {
      const cidr = parseCidr(text)
      assert.strictEqual(cidr && formatCidr(cidr), canonical)
      assert.strictEqual(cidr && formatCidr(networkOf(cidr)), network)
    })
  }

  const routes: ReadonlyArray<readonly [text: string, isDefault: boolean]> = [
    ["0.0.0.0/0", true],
    ["::/0", true],
    ["0.0.0.0/1", false],
    ["10.0.0.0/0", false]
  ]
  for (const [text, isDefault] of routes) {
    it(`${text} is ${isDefault ? "a" : "no"} default route`, () => {
      const dst = parseCidr(text)
      assert.strictEqual(dst !== undefined && isDefaultRoute(dst), isDefault)
    })
  }
})
