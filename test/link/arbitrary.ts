/** Options of a kind, derived from its table: whatever its codecs accept, and its rules allow. */
import * as Arbitrary from "effect/Arbitrary"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { LinkOptions, OptionValue } from "../../src/link/Link.ts"
import type { AttributeCodec, LinkKind } from "../../src/link/LinkKind.ts"
import { decodeMac } from "../../src/wire/mac.ts"

const byte = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 255 }))

/** Of a link's own: neither multicast nor zero. */
const mac = Arbitrary.schema(Schema.Tuple([byte, byte, byte, byte, byte, byte])).pipe(
  Arbitrary.map(([first, ...rest]) => decodeMac(Uint8Array.of((first & 0xfc) | 2, ...rest)) ?? "")
)

const u32 = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0xffffffff }))
const s32 = Schema.Int.check(Schema.isBetween({ minimum: -0x80000000, maximum: 0x7fffffff }))

/** Values of every sort that attributes have, of which a codec takes its own. */
const candidates: ReadonlyArray<Arbitrary.Arbitrary<unknown>> = [
  Arbitrary.schema(u32),
  Arbitrary.schema(s32),
  Arbitrary.array(mac, { minLength: 1, maxLength: 5 }),
  Arbitrary.schema(Schema.Array(Schema.Literals(["nopromisc", "nodst"])))
]

const accepted =
  (codec: AttributeCodec) =>
  (value: unknown): Result.Result<OptionValue, undefined> => {
    const option = codec.parse(value)
    return option === undefined ? Result.fail(undefined) : Result.succeed(option)
  }

/** Any of a codec's values: of its list, or of the first sort of candidates that it takes. */
const valuesOf = (codec: AttributeCodec): Arbitrary.Arbitrary<OptionValue> => {
  const [first, ...rest] = codec.values ?? []
  if (first !== undefined) {
    return Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: rest.length }))).pipe(
      Arbitrary.map((index) => [first, ...rest][index] ?? first)
    )
  }
  const sample = [1, -1, ["02:00:00:00:00:01"], ["nopromisc"]]
  const sort = candidates[sample.findIndex((value) => codec.parse(value) !== undefined)]
  if (sort === undefined) throw new Error(`no values known for ${codec.expected}`)
  return Arbitrary.filterMap(sort, accepted(codec))
}

/** Options in any combination that the kind's `validate` lets pass, each there or not. */
export const optionsOf = (kind: LinkKind): Arbitrary.Arbitrary<LinkOptions> => {
  const values = Object.entries(kind.attributes).map(([name, { codec }]) =>
    Arbitrary.all([Arbitrary.schema(Schema.Boolean), valuesOf(codec)]).pipe(
      Arbitrary.map(([there, value]): ReadonlyArray<readonly [string, OptionValue]> => (there ? [[name, value]] : []))
    )
  )
  return Arbitrary.all(values).pipe(
    Arbitrary.map((entries): LinkOptions => Object.fromEntries(entries.flat())),
    Arbitrary.filter((options) => kind.validate?.(options) === undefined)
  )
}
