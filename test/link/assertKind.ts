/** The tests that any kind's table has to pass; CONTRIBUTING shows how a new one gets them. */
import { assert, it } from "@effect/vitest"
import type { LinkKind } from "../../src/link/LinkKind.ts"
import { decodeOptions, encodeOptions } from "../../src/link/options.ts"
import { decodeLink } from "../../src/netlink/link.ts"
import { linkAdd, linkSet } from "../../src/netlink/requests.ts"
import { encodeAttributes, payloadsIn } from "../../src/wire/attribute.ts"
import { optionsOf } from "./arbitrary.ts"

export const assertKind = (kind: LinkKind): void => {
  const attributes = Object.values(kind.attributes)

  it.prop("options are encoded and decoded back", [optionsOf(kind)], ([options]) => {
    const bytes = encodeAttributes(encodeOptions(kind, options))
    assert.deepStrictEqual(decodeOptions(kind, payloadsIn(bytes)), options)
  })

  it.prop("a link that is asked for with options is a link that has them", [optionsOf(kind)], ([options]) => {
    const spec = { kind, name: "net1", parent: 3, index: 1 << 30, mtu: 1400, mac: "02:00:00:00:00:01", up: true }
    assert.deepInclude(decodeLink(linkAdd({ ...spec, options }).body), {
      kind: kind.kind,
      name: "net1",
      index: 1 << 30,
      parent: { index: 3 },
      mtu: 1400,
      mac: "02:00:00:00:00:01",
      up: true,
      options
    })
  })

  it.prop("options can be changed: the kind goes along", [optionsOf(kind)], ([options]) => {
    const link = decodeLink(linkSet(7, { kind, name: "net1", options }).body)
    assert.strictEqual(link?.kind, kind.kind)
    assert.deepStrictEqual(link?.options, options)
  })

  it.prop("what is read is what a configuration would say", [optionsOf(kind)], ([options]) => {
    for (const [name, value] of Object.entries(options)) {
      assert.deepStrictEqual(kind.attributes[name]?.codec.parse(value), value)
    }
  })

  it("attributes and keys are each named once", () => {
    const keys = attributes.flatMap(({ key }) => key ?? [])
    assert.lengthOf(new Set(attributes.map(({ type }) => type)), attributes.length)
    assert.lengthOf(new Set(keys), keys.length)
  })

  it("defaults are values, and make a link without further ado", () => {
    const defaults = Object.entries(kind.attributes).flatMap(([name, { codec, default: value }]) => {
      if (value !== undefined) assert.deepStrictEqual(codec.parse(value), value)
      return value === undefined ? [] : [[name, value] as const]
    })
    assert.isUndefined(kind.validate?.(Object.fromEntries(defaults)))
  })

  it("nothing that JSON can hold makes a codec throw, and what it refuses it explains", () => {
    const values = [null, true, "", "x", 0, -1, 1.5, 1e300, Number.NaN, [], [null], [[]], ["x"], {}, { length: 1 }]
    for (const { codec } of attributes) {
      assert.isNotEmpty(codec.expected)
      for (const value of values) {
        const option = codec.parse(value)
        if (option !== undefined) assert.deepStrictEqual(codec.decode(codec.encode(option)), option)
      }
    }
  })
}
