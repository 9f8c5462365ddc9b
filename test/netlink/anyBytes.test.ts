/** Any bytes are read without throwing: random ones, and goldens with bytes changed, cut or repeated. */
import { describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Schema from "effect/Schema"
import { concat } from "../../src/wire/bytes.ts"
import { golden, goldenNames } from "../goldens/golden.ts"
import { assertReadable } from "./readers.ts"

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

const bytes = Arbitrary.schema(Schema.Array(between(0, 255))).pipe(Arbitrary.map((list) => Uint8Array.from(list)))

/** Datagrams that are short enough to be changed where it matters: headers and lengths. */
const datagrams = goldenNames.flatMap((name) => golden(name).datagrams).filter(({ length }) => length < 2000)

/** Bytes at places become others; lengths and types are at multiples of two. */
const edits = Arbitrary.schema(
  Schema.Array(Schema.Struct({ place: between(0, 1000), value: between(0, 255) })).check(Schema.isMaxLength(8))
)

const changed = (datagram: Uint8Array, changes: ReadonlyArray<{ place: number; value: number }>): Uint8Array => {
  const copy = datagram.slice()
  for (const { place, value } of changes) copy[(2 * place) % copy.length] = value
  return copy
}

const which = between(0, datagrams.length - 1)
const pick = (index: number): Uint8Array => datagrams[index] ?? new Uint8Array()

/** A body lies behind sixteen bytes of header. */
const readWhole = (datagram: Uint8Array): void => {
  assertReadable(datagram)
  assertReadable(datagram.subarray(16))
}

describe("any bytes", () => {
  it.prop("random", [bytes], ([random]) => assertReadable(random), { arbitrary: { runs: 300, size: 120 } })

  it.prop(
    "a golden with bytes changed",
    [which, edits],
    ([index, changes]) => readWhole(changed(pick(index), changes)),
    { arbitrary: { runs: 400 } }
  )

  it.prop(
    "a golden cut short",
    [which, between(0, 2000)],
    ([index, length]) => readWhole(pick(index).subarray(0, length)),
    {
      arbitrary: { runs: 300 }
    }
  )

  it.prop(
    "a golden that begins within another",
    [which, which, between(0, 2000)],
    ([first, second, length]) => readWhole(concat([pick(first).subarray(0, length), pick(second)])),
    { arbitrary: { runs: 200 } }
  )
})
