/** Results of other plugins at any version: what is kept, what is refused and in which words. */
import { assert, describe, it } from "@effect/vitest"
import { decodeResult, parseResult } from "../../src/cni/result/decodeResult.ts"
import { parseCidr, parseIp } from "../../src/cni/result/Ip.ts"
import { emptyResult, type Result } from "../../src/cni/result/Result.ts"
import { error, value } from "./outcome.ts"

const cidr = (text: string) => parseCidr(text) ?? assert.fail(text)
const ip = (text: string) => parseIp(text) ?? assert.fail(text)
const malformed = (words: string) => ({ code: 6, msg: `invalid result: ${words}` })

describe("what is read", () => {
  const host = {
    ...emptyResult,
    ips: [{ address: cidr("10.1.2.3/24"), gateway: ip("10.1.2.1") }],
    routes: [{ dst: cidr("0.0.0.0/0") }]
  }
  const cases: ReadonlyArray<readonly [name: string, document: unknown, result: Result]> = [
    ["null", null, emptyResult],
    ["{}", {}, emptyResult],
    [
      "host-local's at 0.4.0",
      {
        cniVersion: "0.4.0",
        ips: [{ version: "4", address: "10.1.2.3/24", gateway: "10.1.2.1" }],
        routes: [{ dst: "0.0.0.0/0" }],
        dns: {}
      },
      host
    ],
    [
      "the same without a version",
      { ips: [{ version: "4", address: "10.1.2.3/24", gateway: "10.1.2.1" }], routes: [{ dst: "0.0.0.0/0" }] },
      host
    ],
    [
      "the same at 0.2.0",
      { cniVersion: "0.2.0", ip4: { ip: "10.1.2.3/24", gateway: "10.1.2.1", routes: [{ dst: "0.0.0.0/0" }] } },
      host
    ],
    [
      "keys in any case, the last one wins, null is absent",
      {
        IPS: [],
        Ips: [{ ADDRESS: "10.1.2.3/24", Gateway: "10.1.2.1", interface: null }],
        ROUTES: [{ Dst: "0.0.0.0/0", gw: null }],
        dns: null
      },
      host
    ],
    [
      "host bits, IPv6 and IPv4 in IPv6",
      { ips: [{ address: "FD00:0::5/64" }, { address: "::ffff:10.0.0.1/128" }], routes: [{ dst: "10.0.0.7/8" }] },
      {
        ...emptyResult,
        ips: [{ address: cidr("fd00::5/64") }, { address: cidr("10.0.0.1/32") }],
        routes: [{ dst: cidr("10.0.0.7/8") }]
      }
    ],
    [
      "an index of 0 and none, spelled -1",
      {
        ips: [
          { address: "10.0.0.1/8", interface: 0 },
          { address: "10.0.0.2/8", interface: -1 }
        ]
      },
      { ...emptyResult, ips: [{ address: cidr("10.0.0.1/8"), interface: 0 }, { address: cidr("10.0.0.2/8") }] }
    ],
    [
      "zero is absent, but not for table and scope",
      {
        routes: [{ dst: "::/0", mtu: 0, advmss: 0, priority: 0, table: 0, scope: 0 }],
        interfaces: [{ name: "a", mtu: 0, mac: "" }]
      },
      { ...emptyResult, routes: [{ dst: cidr("::/0"), table: 0, scope: 0 }], interfaces: [{ name: "a" }] }
    ],
    [
      "unknown keys are ignored",
      { ips: [{ address: "10.0.0.1/8", more: [[[]]] }], __proto__x: 1, ip4: 5 },
      { ...emptyResult, ips: [{ address: cidr("10.0.0.1/8") }] }
    ]
  ]
  for (const [name, document, result] of cases) {
    it(name, () => {
      assert.deepStrictEqual(value(decodeResult(document, "1.0.0")), result)
    })
  }

  it("without a version is read as the configuration's", () => {
    const document = { ip6: { ip: "fd00::5/64" } }
    assert.strictEqual(value(decodeResult(document, "0.2.0")).ips.length, 1)
    assert.strictEqual(value(decodeResult(document, "1.0.0")).ips.length, 0)
  })
})

describe("what is refused", () => {
  const address = "expected an address with its prefix length such as 10.1.2.3/24 or fd00::1/64"
  const anIp = "expected an IP address such as 10.1.2.3 or fd00::1"
  const cases: ReadonlyArray<readonly [document: unknown, words: string]> = [
    [5, "expected an object, got 5"],
    ["x", 'expected an object, got "x"'],
    [[], "expected an object, got []"],
    [{ cniVersion: 1 }, "cniVersion: expected a string, got 1"],
    [{ ips: {} }, "ips: expected an array, got an object"],
    [{ ips: [5] }, "ips[0]: expected an object, got 5"],
    [{ ips: [{}] }, "ips[0].address: missing"],
    [{ ips: [null] }, "ips[0].address: missing"],
    [{ ips: [{ address: "10.1.2.3" }] }, `ips[0].address: ${address}, got "10.1.2.3"`],
    [{ ips: [{ address: "10.1.2.3/24" }, { address: 5 }] }, "ips[1].address: expected a string, got 5"],
    [{ ips: [{ address: "10.1.2.3/24", gateway: "10.1.2.1/24" }] }, `ips[0].gateway: ${anIp}, got "10.1.2.1/24"`],
    [
      { ips: [{ address: "10.1.2.3/24", interface: "0" }] },
      'ips[0].interface: expected an integer from -2147483648 to 2147483647, got "0"'
    ],
    [{ routes: [{ gw: "10.0.0.1" }] }, "routes[0].dst: missing"],
    [{ routes: [{ dst: "default" }] }, `routes[0].dst: ${address}, got "default"`],
    [{ routes: [{ dst: "::/0", mtu: -1 }] }, "routes[0].mtu: expected an integer from 0 to 4294967295, got -1"],
    [{ routes: [{ dst: "::/0", table: 1.5 }] }, "routes[0].table: expected an integer from 0 to 4294967295, got 1.5"],
    [{ interfaces: [[]] }, "interfaces[0]: expected an object, got []"],
    [{ interfaces: [{ name: 5 }] }, "interfaces[0].name: expected a string, got 5"],
    [{ interfaces: [{ mtu: "1500" }] }, 'interfaces[0].mtu: expected an integer from 0 to 4294967295, got "1500"'],
    [{ dns: { nameservers: "x" } }, 'dns.nameservers: expected an array, got "x"'],
    [{ cniVersion: "0.2.0", ip4: { gateway: "10.0.0.1" } }, "ip4.ip: missing"],
    [{ cniVersion: "0.2.0", ip4: [] }, "ip4: expected an object, got []"],
    [{ cniVersion: "0.1.0", ip6: { ip: "::1/64", routes: 5 } }, "ip6.routes: expected an array, got 5"]
  ]
  for (const [document, words] of cases) {
    it(words, () => {
      assert.deepStrictEqual(error(decodeResult(document, "1.1.0")), malformed(words))
    })
  }

  for (const version of ["2.0.0", "1.1", "x"]) {
    it(`version ${version}`, () => {
      assert.deepStrictEqual(error(decodeResult({ cniVersion: version }, "1.1.0")), {
        code: 999,
        msg: `unsupported CNI result version "${version}"`
      })
    })
  }

  it("text that is no JSON", () => {
    assert.deepStrictEqual(error(parseResult("", "1.1.0")), malformed("unexpected end of JSON input"))
    assert.deepStrictEqual(
      error(parseResult("{}\n{}", "1.1.0")),
      malformed("invalid character '{' after top-level value (line 2, column 1)")
    )
  })

  it("a million entries, the last one bad", () => {
    const ips = [...new Array<object>(1_000_000).fill({ address: "10.1.2.3/24" }), { address: "x" }]
    assert.deepStrictEqual(
      error(decodeResult({ ips }, "1.1.0")),
      malformed(`ips[1000000].address: ${address}, got "x"`)
    )
  })
})
