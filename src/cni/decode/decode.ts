/**
 * Decoders of parsed JSON: small, combined into tables that read like the document they decode. They follow Go's decoder
 * where configurations rely on it: keys match without regard to case, the last one wins, `null` is as good as absent.
 * Failures are values that know the way to what is wrong. `effect/Schema` would do this and more, but costs 2-3 ms of
 * the plugin's start.
 */
import * as Result from "effect/Result"
import { isObject, type JsonObject } from "../../wire/boundedJson.ts"
import { show } from "./show.ts"

export { isObject, type JsonObject }

/** What is wrong, and where: the path grows from the inside out. */
export interface Fault {
  readonly path: ReadonlyArray<string | number>
  readonly problem: string
}

export type Decoded<A> = Result.Result<A, Fault>

/** `undefined` stands for a key that is absent or `null`. */
export type Decoder<A> = (value: unknown) => Decoded<A>

export const fault = (problem: string): Decoded<never> => Result.fail({ path: [], problem })

/** The one form of complaint: what would be right, then what was found. */
export const unexpected = (expected: string, value: unknown): Decoded<never> =>
  fault(`expected ${expected}, got ${show(value)}`)

const under = (key: string | number, cause: Fault): Fault => ({ path: [key, ...cause.path], problem: cause.problem })

/** `ips[0].address`, under `subject` where one is given. */
export const describePath = (path: ReadonlyArray<string | number>): string =>
  path.reduce<string>(
    (text, part) => (typeof part === "number" ? `${text}[${part}]` : text === "" ? part : `${text}.${part}`),
    ""
  )

/** `mtu: expected an integer from 0 to 4294967295, got "1500"`. */
export const describeFault = ({ path, problem }: Fault): string =>
  path.length === 0 ? problem : `${describePath(path)}: ${problem}`

/** Go folds by Unicode's simple folding, where two letters outside ASCII equal an ASCII one: K (Kelvin) and ſ. */
const fold = (key: string): string => {
  const lower = key.toLowerCase()
  return lower.includes("ſ") ? lower.replaceAll("ſ", "s") : lower
}

/** Of objects that are being decoded: a configuration is read by several tables, one after the other. */
const known = new WeakMap<object, ReadonlyMap<string, unknown>>()

/** The object's members by folded key. A later `null` does not undo an earlier value: Go's decoder leaves it alone. */
const members = (object: object): ReadonlyMap<string, unknown> => {
  const before = known.get(object)
  if (before !== undefined) return before
  const byKey = new Map<string, unknown>()
  for (const [key, value] of Object.entries(object)) {
    if (value !== null && value !== undefined) {
      byKey.set(fold(key), value)
    }
  }
  known.set(object, byKey)
  return byKey
}

/** One member of an object, as it is; undefined where it is absent or `null`. */
export const member = (object: JsonObject, key: string): unknown => members(object).get(fold(key))

type Fields = Readonly<Record<string, Decoder<unknown>>>
type Value<D> = D extends Decoder<infer A> ? A : never

/** What may be absent is an optional key, never a key with the value `undefined`. */
export type Struct<F extends Fields> = {
  readonly [K in keyof F as undefined extends Value<F[K]> ? never : K]: Value<F[K]>
} & {
  readonly [K in keyof F as undefined extends Value<F[K]> ? K : never]?: Exclude<Value<F[K]>, undefined>
}

/** An object by a table of its keys; other keys are ignored. Absent is the same as `{}`. */
export const struct = <const F extends Fields>(fields: F): Decoder<Struct<F>> => {
  return (value) => {
    if (value !== undefined && value !== null && !isObject(value)) {
      return unexpected("an object", value)
    }
    const given = members(value ?? {})
    const decoded: Record<string, unknown> = {}
    for (const key in fields) {
      const field = (fields[key] as Decoder<unknown>)(given.get(fold(key)))
      if (Result.isFailure(field)) {
        return Result.fail(under(key, field.failure))
      }
      if (field.success !== undefined) {
        decoded[key] = field.success
      }
    }
    return Result.succeed(decoded as Struct<F>)
  }
}

/** A list; absent is the same as empty. */
export const list =
  <A>(element: Decoder<A>): Decoder<ReadonlyArray<A>> =>
  (value) => {
    if (value === undefined || value === null) {
      return Result.succeed([])
    }
    if (!Array.isArray(value)) {
      return unexpected("an array", value)
    }
    const decoded: Array<A> = []
    for (const [index, given] of value.entries()) {
      const item = element(given ?? undefined)
      if (Result.isFailure(item)) {
        return Result.fail(under(index, item.failure))
      }
      decoded.push(item.success)
    }
    return Result.succeed(decoded)
  }
