/** What the configuration may say, as a Schema: each key, and in words what it must be. */
import * as Schema from "effect/Schema"
import { isResourceName } from "../../devices/deviceID.ts"

export const modes = ["bridge", "vepa", "private", "passthru"] as const

/** A schema whose every fault is told in these words, which stand behind the value that is there. */
const told = <S extends Schema.Top>(schema: S, message: string): S["Rebuild"] => schema.annotate({ message })

const nameWords =
  "must be a name of up to 63 letters, digits, '-', '_' and '.', with a letter or digit at both its ends"
const Name = told(Schema.String, nameWords).check(Schema.makeFilter(isResourceName, { message: nameWords }))

const isLinkName = (text: string): boolean =>
  /^[^\s/:]+$/.test(text) && (/[*?[]/.test(text) || Buffer.byteLength(text) <= 15)

const linkWords = "must be a link's name of up to 15 bytes, a pattern (eth*, en[0-9]?), or a list of those"
const LowerDevice = told(Schema.Union([Schema.String, Schema.Array(told(Schema.String, linkWords))]), linkWords).check(
  Schema.makeFilter((value) => [value].flat().length > 0 && [value].flat().every(isLinkName), { message: linkWords })
)

const capacityWords = "must be a whole number"
const Capacity = told(Schema.Number, capacityWords).check(Schema.isInt({ message: capacityWords }))

const entry = {
  name: Name,
  lowerDevice: LowerDevice,
  mode: Schema.optionalKey(told(Schema.Literals(modes), `must be one of ${modes.join(", ")}`)),
  capacity: Schema.optionalKey(Capacity),
  standalone: Schema.optionalKey(told(Schema.Boolean, "must be true or false"))
} as const

export type Key = keyof typeof entry
export const keys = Object.keys(entry) as ReadonlyArray<Key>

export const Entry = told(Schema.Struct(entry), `must be an object with the keys ${keys.join(", ")}`)
export type Entry = typeof Entry.Type
