/** Results written at a version and read again, and results put after those of a chain. */
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { decodeResult, parseResult } from "../../src/cni/result/decodeResult.ts"
import { encodeResult } from "../../src/cni/result/encodeResult.ts"
import { parseCidr } from "../../src/cni/result/Ip.ts"
import { appendToPrevResult, emptyResult, type Result } from "../../src/cni/result/Result.ts"
import { value } from "./outcome.ts"

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

const v4 = Schema.TemplateLiteral([between(1, 223), ".", between(0, 255), ".0.", between(0, 255)])
const v6 = Schema.TemplateLiteral(["fd00:", between(0, 9999), "::", between(1, 9999)])
const ip = Schema.Union([v4, v6])
const cidr = Schema.Union([
  Schema.TemplateLiteral([v4, "/", between(0, 32)]),
  Schema.TemplateLiteral([v6, "/", between(0, 128)])
])
const text = Schema.NonEmptyString
const count = between(1, 0xffffffff)

/** A result of 1.1.0 as JSON. */
const documents = Schema.Struct({
  interfaces: Schema.Array(
    Schema.Struct({
      name: text,
      mac: Schema.optionalKey(text),
      mtu: Schema.optionalKey(count),
      sandbox: Schema.optionalKey(text),
      socketPath: Schema.optionalKey(text),
      pciID: Schema.optionalKey(text)
    })
  ),
  ips: Schema.Array(
    Schema.Struct({ address: cidr, gateway: Schema.optionalKey(ip), interface: Schema.optionalKey(between(0, 9)) })
  ),
  routes: Schema.Array(
    Schema.Struct({
      dst: cidr,
      gw: Schema.optionalKey(ip),
      mtu: Schema.optionalKey(count),
      advmss: Schema.optionalKey(count),
      priority: Schema.optionalKey(count),
      table: Schema.optionalKey(between(0, 0xffffffff)),
      scope: Schema.optionalKey(between(0, 255))
    })
  ),
  dns: Schema.Struct({
    domain: Schema.optionalKey(text),
    nameservers: Schema.optionalKey(Schema.NonEmptyArray(text))
  })
})

const read = (document: unknown): Result => value(decodeResult(document, "1.1.0"))
const again = (result: Result, version: string): Result => value(parseResult(encodeResult(result, version), "9.9.9"))

/** What 0.2.0 can tell. */
const reduced = ({ ips, routes, dns }: Result): Result => {
  const firsts = ([4, 6] as const).flatMap((family) => ips.find(({ address }) => address.family === family) ?? [])
  return {
    interfaces: [],
    ips: firsts.map(({ interface: _, ...rest }) => rest),
    routes: firsts.flatMap(({ address }) =>
      routes
        .filter(({ dst }) => dst.family === address.family)
        .map(({ dst, gw }) => (gw === undefined ? { dst } : { dst, gw }))
    ),
    dns
  }
}

describe("what is written is read as the same", () => {
  const options = { arbitrary: { runs: 100 } }
  it.prop(
    "at 1.0.0 and 1.1.0: all of it",
    [documents],
    ([document]) => {
      const result = read(document)
      for (const version of ["1.0.0", "1.1.0"]) assert.deepStrictEqual(again(result, version), result)
    },
    options
  )

  it.prop(
    "from 0.3.0 to 0.4.0: all but three words of an interface",
    [documents],
    ([document]) => {
      const result = read(document)
      const interfaces = result.interfaces.map(({ mtu: _, socketPath: __, pciID: ___, ...rest }) => rest)
      for (const version of ["0.3.0", "0.3.1", "0.4.0"]) {
        assert.deepStrictEqual(again(result, version), { ...result, interfaces })
      }
    },
    options
  )

  it.prop(
    "at 0.1.0 and 0.2.0: one address a family and its routes",
    [documents],
    ([document]) => {
      const result = read(document)
      for (const version of ["0.1.0", "0.2.0"]) {
        assert.deepStrictEqual(again(result, version), reduced(result))
      }
    },
    options
  )
})

describe("a result after those of a chain", () => {
  const at = (address: string) => parseCidr(address) ?? assert.fail(address)
  const ours: Result = {
    interfaces: [{ name: "net1", sandbox: "/n" }],
    ips: [{ address: at("10.0.0.2/24"), interface: 0 }, { address: at("10.0.0.3/24") }],
    routes: [{ dst: at("0.0.0.0/0") }],
    dns: {}
  }
  const previous: Result = {
    interfaces: [{ name: "eth0" }, { name: "veth0" }],
    ips: [{ address: at("10.9.0.2/24"), interface: 1 }],
    routes: [{ dst: at("10.8.0.0/16") }],
    dns: { domain: "d" }
  }

  it("is ours where there is none before", () => {
    assert.deepStrictEqual(appendToPrevResult(undefined, ours), ours)
    assert.deepStrictEqual(appendToPrevResult(emptyResult, ours), ours)
  })
  it("keeps theirs, and re-indexes only our addresses", () => {
    assert.deepStrictEqual(appendToPrevResult(previous, ours), {
      interfaces: [{ name: "eth0" }, { name: "veth0" }, { name: "net1", sandbox: "/n" }],
      ips: [
        { address: at("10.9.0.2/24"), interface: 1 },
        { address: at("10.0.0.2/24"), interface: 2 },
        { address: at("10.0.0.3/24") }
      ],
      routes: [{ dst: at("10.8.0.0/16") }, { dst: at("0.0.0.0/0") }],
      dns: { domain: "d" }
    })
  })
  it("has our DNS settings where we have any", () => {
    assert.deepStrictEqual(appendToPrevResult(previous, { ...ours, dns: { domain: "o" } }).dns, { domain: "o" })
  })
})
