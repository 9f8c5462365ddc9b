/** What configurations can say of a macvlan or macvtap, key by key. */
import { assert, describe, it } from "@effect/vitest"
import type { OptionValue } from "../../src/link/Link.ts"
import { macvlan } from "../../src/link/macvlan.ts"
import { encodeOptions } from "../../src/link/options.ts"
import { hex } from "../../src/wire/bytes.ts"

const attribute = (name: string) => {
  const found = macvlan.attributes[name]
  if (found === undefined) throw new Error(`macvlan has no ${name}`)
  return found
}

const parse = (name: string, value: unknown) => attribute(name).codec.parse(value)

describe("mode", () => {
  it.each([
    ["private", "01000000"],
    ["vepa", "02000000"],
    ["bridge", "04000000"],
    ["passthru", "08000000"],
    ["source", "10000000"]
  ])("%s", (mode, bytes) => {
    assert.strictEqual(parse("mode", mode), mode)
    assert.strictEqual(hex(attribute("mode").codec.encode(mode)), bytes)
  })

  it("is bridge where nothing is said, and checked", () => {
    assert.strictEqual(attribute("mode").default, "bridge")
    assert.isTrue(attribute("mode").checked)
  })

  it("is none but these, and says so", () => {
    for (const mode of ["Bridge", "passthrough", "", " bridge", 4, null, ["bridge"], "constructor"]) {
      assert.isUndefined(parse("mode", mode))
    }
    assert.strictEqual(attribute("mode").codec.expected, "one of bridge, vepa, private, passthru, source")
  })
})

describe("sourceMACs", () => {
  it("is a set: sorted, canonical, each once", () => {
    const given = ["02:00:00:00:00:0B", "02-00-00-00-00-0a", "0200.0000.000b"]
    assert.deepStrictEqual(parse("sourceMACs", given), ["02:00:00:00:00:0a", "02:00:00:00:00:0b"])
  })

  it.each([
    ["nothing", []],
    ["no list", "02:00:00:00:00:0a"],
    ["one that is none", ["02:00:00:00:00:0a", "02:00:00:00:00"]],
    ["multicast", ["01:00:5e:00:00:01"]],
    ["zero", ["00:00:00:00:00:00"]],
    ["eight bytes", ["02:00:00:00:00:0a:00:01"]],
    ["a number", [2]],
    ["more than one message holds", Array.from({ length: 5000 }, () => "02:00:00:00:00:0a")]
  ])("refuses %s", (_, value) => {
    assert.isUndefined(parse("sourceMACs", value))
  })

  it("replaces the whole list: MACADDR_MODE is MACVLAN_MACADDR_SET", () => {
    const sent = encodeOptions(macvlan, { sourceMACs: ["02:00:00:00:00:0a"] })
    assert.deepStrictEqual(
      sent.map(({ payload, type }) => [type, hex(payload)]),
      [
        [3, "03000000"],
        [5, "0a00040002000000000a0000"]
      ]
    )
  })
})

describe("bcqueuelen", () => {
  it("is a u32 above 0: a queue of none drops every broadcast", () => {
    assert.strictEqual(parse("bcqueuelen", 1), 1)
    assert.strictEqual(parse("bcqueuelen", 4294967295), 4294967295)
    for (const value of [0, -1, 1.5, 4294967296, "1000", null]) assert.isUndefined(parse("bcqueuelen", value))
  })
})

describe("what the kernel reports and nobody configures", () => {
  it.each(["flags", "bcQueueLenUsed", "bcCutoff"])("%s", (name) => {
    assert.isUndefined(attribute(name).key)
    assert.isUndefined(attribute(name).default)
  })
})

describe("modes and lists together", () => {
  const problem = (options: Record<string, OptionValue>) => macvlan.validate?.(options)
  const sourceMACs = ["02:00:00:00:00:0a"]

  it("source needs a list, and only source takes one", () => {
    assert.isUndefined(problem({ mode: "source", sourceMACs }))
    assert.isUndefined(problem({ mode: "bridge" }))
    assert.isUndefined(problem({}))
  })

  it("says what is wrong by key and value", () => {
    assert.match(problem({ mode: "source" }) ?? "", /mode "source" needs the key sourceMACs/)
    assert.match(problem({ mode: "vepa", sourceMACs }) ?? "", /sourceMACs .* mode "source", not with mode "vepa"/)
    assert.match(problem({ sourceMACs }) ?? "", /sourceMACs .* not with mode "bridge"/)
  })
})
