/** Options to and from the attributes of IFLA_INFO_DATA, by a kind's table. */
import type { Attribute, Payloads } from "../wire/attribute.ts"
import type { LinkOptions, OptionValue } from "./Link.ts"
import type { LinkKind } from "./LinkKind.ts"

/** IFLA_INFO_DATA's attributes for options, in the table's order; names that the table lacks are left out. */
export const encodeOptions = (kind: LinkKind, options: LinkOptions): ReadonlyArray<Attribute> => {
  const attributes: Array<Attribute> = []
  for (const [name, { codec, companions = [], type }] of Object.entries(kind.attributes)) {
    const value = options[name]
    if (value !== undefined) attributes.push(...companions, { type, payload: codec.encode(value) })
  }
  return attributes
}

/** Options from the payloads of IFLA_INFO_DATA; what the table lacks, or cannot read, is left out. */
export const decodeOptions = (kind: LinkKind, payloads: Payloads): LinkOptions => {
  const options: Record<string, OptionValue> = {}
  for (const [name, { codec, type }] of Object.entries(kind.attributes)) {
    const payload = payloads.get(type)
    const value = payload && codec.decode(payload)
    if (value !== undefined) options[name] = value
  }
  return options
}
