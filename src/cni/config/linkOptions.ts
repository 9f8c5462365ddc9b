/** A kind's own options from a configuration, by the kind's table. */
import * as Result from "effect/Result"
import type { LinkOptions, OptionValue } from "../../link/Link.ts"
import type { AttributeCodec, LinkAttribute, LinkKind } from "../../link/LinkKind.ts"
import { type Decoder, fault, struct, unexpected } from "../decode/decode.ts"

type Sort = "text" | "number" | "flag" | "list"

/** Which sort of JSON value a codec takes, found by asking it: names are listed, a range has 1 or a u32's end in it. */
const sortOf = (codec: AttributeCodec): Sort => {
  const takes = (value: unknown): boolean => codec.parse(value) !== undefined
  if (codec.values !== undefined) {
    return "text"
  }
  if (takes(1) || takes(0xffffffff)) {
    return "number"
  }
  return takes(true) ? "flag" : "list"
}

/**
 * Go's zero value of the option's own type, which stands for an absent key: a queue of length 0 is one of the kernel's
 * default length. One of another type is a mistake, as it is for Go's decoder: `"mode": 0`.
 */
const isZeroValue: Readonly<Record<Sort, (value: unknown) => boolean>> = {
  text: (value) => value === "",
  number: (value) => value === 0,
  flag: () => false,
  list: (value) => Array.isArray(value) && value.length === 0
}

const option =
  ({ codec }: LinkAttribute): Decoder<OptionValue | undefined> =>
  (value) => {
    if (value === undefined || value === null) {
      return Result.succeed(undefined)
    }
    const sort = sortOf(codec)
    if (isZeroValue[sort](value)) {
      return Result.succeed(undefined)
    }
    const parsed = codec.parse(value)
    return parsed === undefined
      ? unexpected(sort === "number" ? `${codec.expected}, or 0 for the default` : codec.expected, value)
      : Result.succeed(parsed)
  }

/** What ADD asks for: the configured options, and the table's defaults for the others. */
export const withDefaults = (kind: LinkKind, options: LinkOptions): LinkOptions => {
  const all: Record<string, OptionValue> = {}
  for (const [name, attribute] of Object.entries(kind.attributes)) {
    const value = options[name] ?? attribute.default
    if (value !== undefined) all[name] = value
  }
  return all
}

/** The configured options by the names of the table, valid together with the defaults. */
export const linkOptions = (kind: LinkKind): Decoder<LinkOptions> => {
  const made = decodersOf.get(kind) ?? makeDecoder(kind)
  decodersOf.set(kind, made)
  return made
}

/** Kinds are few, and the same for every call of a process. */
const decodersOf = new Map<LinkKind, Decoder<LinkOptions>>()

const makeDecoder = (kind: LinkKind): Decoder<LinkOptions> => {
  const decoders: Record<string, Decoder<OptionValue | undefined>> = {}
  for (const attribute of Object.values(kind.attributes)) {
    if (attribute.key !== undefined) {
      decoders[attribute.key] = option(attribute)
    }
  }
  const byKey = struct(decoders)
  return (document) =>
    Result.flatMap(byKey(document), (given) => {
      const options: Record<string, OptionValue> = {}
      for (const [name, { key }] of Object.entries(kind.attributes)) {
        const value = key === undefined ? undefined : given[key]
        if (value !== undefined) {
          options[name] = value
        }
      }
      const problem = kind.validate?.(withDefaults(kind, options))
      return problem === undefined ? Result.succeed(options) : fault(problem)
    })
}
