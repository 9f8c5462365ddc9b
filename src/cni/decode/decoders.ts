/** The decoders of single values, and what makes new ones of them. */
import * as Result from "effect/Result"
import { type Decoder, fault, unexpected } from "./decode.ts"
import { show } from "./show.ts"

/** Absent where the key is absent, `null`, or Go's zero value for a string: `""`. */
export const text: Decoder<string | undefined> = (value) => {
  if (value === undefined || value === null || value === "") {
    return Result.succeed(undefined)
  }
  return typeof value === "string" ? Result.succeed(value) : unexpected("a string", value)
}

export const flag: Decoder<boolean | undefined> = (value) =>
  value === undefined || value === null
    ? Result.succeed(undefined)
    : typeof value === "boolean"
      ? Result.succeed(value)
      : unexpected("true or false", value)

/** An integer from `least` to `most`. `1500.0` is 1500, as JSON has it (Go's decoder refuses that spelling). */
export const integer =
  (least: number, most: number): Decoder<number | undefined> =>
  (value) =>
    value === undefined || value === null
      ? Result.succeed(undefined)
      : Number.isInteger(value) && least <= (value as number) && (value as number) <= most
        ? Result.succeed((value as number) + 0)
        : unexpected(`an integer from ${least} to ${most}`, value)

/** Only what `check` has nothing to say against; its words follow the key. */
export const checked =
  <A>(decoder: Decoder<A | undefined>, check: (value: A) => string | undefined): Decoder<A | undefined> =>
  (value) =>
    Result.flatMap(decoder(value), (decoded) => {
      const problem = decoded === undefined ? undefined : check(decoded)
      return problem === undefined ? Result.succeed(decoded) : fault(problem)
    })

/** What `parse` makes of a string; `expected` are the words for what it takes. */
export const parsed =
  <A>(parse: (text: string) => A | undefined, expected: string): Decoder<A | undefined> =>
  (value) =>
    Result.flatMap(text(value), (decoded) => {
      if (decoded === undefined) {
        return Result.succeed(undefined)
      }
      const result = parse(decoded)
      return result === undefined ? unexpected(expected, decoded) : Result.succeed(result)
    })

/** A path from the root: a plugin's working directory is whatever the runtime's was. */
export const absolutePath: Decoder<string | undefined> = checked(text, (path) =>
  path.startsWith("/") && !path.includes("\0") ? undefined : `expected an absolute path, got ${show(path)}`
)

/** For decoders that make something of absence too. */
export const optional =
  <A>(decoder: Decoder<A>): Decoder<A | undefined> =>
  (value) =>
    value === undefined || value === null ? Result.succeed(undefined) : decoder(value)

/** Absence is an error. */
export const required =
  <A>(decoder: Decoder<A | undefined>): Decoder<A> =>
  (value) =>
    Result.flatMap(decoder(value), (decoded) => (decoded === undefined ? fault("missing") : Result.succeed(decoded)))

/** What stands for an absent value. */
export const orElse =
  <A>(decoder: Decoder<A | undefined>, otherwise: A): Decoder<A> =>
  (value) =>
    Result.map(decoder(value), (decoded) => decoded ?? otherwise)

/** Never fails: what cannot be decoded counts as absent. For DEL, which must not fail on what it does not need. */
export const lenient =
  <A>(decoder: Decoder<A | undefined>): Decoder<A | undefined> =>
  (value) =>
    Result.orElse(decoder(value), () => Result.succeed(undefined))

/** As the JSON has it. */
export const anything: Decoder<unknown> = Result.succeed
