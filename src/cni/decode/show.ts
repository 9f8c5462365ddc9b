/** Values for error messages: short, on one line, and safe whatever they hold. */
import { quote, shorten } from "../../wire/foreign.ts"

const longest = 80

const isContainer = (value: unknown): boolean => typeof value === "object" && value !== null

/** A JSON value as a message can bear it: a hostile one can be large or deep, so containers are mostly only named. */
export const show = (value: unknown): string => {
  if (typeof value === "string") {
    return quote(shorten(value, longest))
  }
  if (Array.isArray(value)) {
    return value.length > 8 || value.some(isContainer)
      ? `an array of ${value.length}`
      : `[${shorten(value.map(show).join(", "), longest)}]`
  }
  return isContainer(value) ? "an object" : String(value)
}
