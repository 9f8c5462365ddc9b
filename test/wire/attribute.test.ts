import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Schema from "effect/Schema"
import {
  type Attribute,
  decodeAttributes,
  encodeAttributes,
  maxPayload,
  nest,
  optional,
  payloadsIn
} from "../../src/wire/attribute.ts"
import { hex, u32 } from "../../src/wire/bytes.ts"

const attributes = Arbitrary.schema(
  Schema.Array(
    Schema.Struct({
      type: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0x3fff })),
      payload: Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 255 }))),
      nested: Schema.Boolean,
      bigEndian: Schema.Boolean
    })
  )
).pipe(
  Arbitrary.map((list) =>
    list.map(
      ({ bigEndian, nested, payload, type }): Attribute => ({
        type,
        payload: Uint8Array.from(payload),
        ...(nested ? { nested: true } : {}),
        ...(bigEndian ? { bigEndian: true } : {})
      })
    )
  )
)

const plain = (list: ReadonlyArray<Attribute>) => list.map((one) => ({ ...one, payload: [...one.payload] }))

describe("attributes", () => {
  it.prop("encoded and decoded back", [attributes], ([list]) => {
    const bytes = encodeAttributes(list)
    assert.strictEqual(bytes.length % 4, 0)
    assert.deepStrictEqual(plain(decodeAttributes(bytes)), plain(list))
  })

  it("are padded, and their length does not count the padding", () => {
    const payload = Uint8Array.of(0xaa)
    assert.strictEqual(
      hex(
        encodeAttributes([
          { type: 3, payload },
          { type: 0x102, payload: u32(1), nested: true }
        ])
      ),
      "05000300aa000000" + "0800028101000000"
    )
  })

  it("end where a length cannot be, and what came before is good", () => {
    const good = encodeAttributes([{ type: 1, payload: u32(7) }])
    for (const bad of ["", "00", "000000", "00000500", "03000500", "09000500aabbccdd", "ffff0500aabbccdd"]) {
      const bytes = Uint8Array.from(Buffer.from(hex(good) + bad, "hex"))
      assert.deepStrictEqual(plain(decodeAttributes(bytes)), [{ type: 1, payload: [7, 0, 0, 0] }], bad)
    }
  })

  it("of one type: the last counts", () => {
    const bytes = encodeAttributes([1, 2].map((value) => ({ type: 9, payload: u32(value) })))
    assert.strictEqual(hex(payloadsIn(bytes).get(9) ?? new Uint8Array()), "02000000")
  })

  it("hold attributes", () => {
    const outer = nest(18, [nest(2, [{ type: 1, payload: u32(4) }])])
    assert.strictEqual(hex(encodeAttributes([outer])), "10001200" + "0c000200" + "0800010004000000")
  })

  it("are left out with their values, but not with a value that is 0", () => {
    assert.deepStrictEqual(optional(4, undefined, u32), [])
    assert.deepStrictEqual(plain(optional(4, 0, u32)), [{ type: 4, payload: [0, 0, 0, 0] }])
  })

  it("hold up to what sixteen bits can say", () => {
    const [whole] = decodeAttributes(encodeAttributes([{ type: 1, payload: new Uint8Array(maxPayload) }]))
    assert.strictEqual(whole?.payload.length, maxPayload)
  })
})
