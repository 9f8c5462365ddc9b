/** Values for error messages: short, on one line, and safe whatever they hold. */

const longest = 80

/** At most `length` UTF-16 units and an ellipsis; cut on a whole character, so that no surrogate is left alone. */
export const shorten = (text: string, length: number): string => {
  if (text.length <= length) {
    return text
  }
  const end = (text.charCodeAt(length - 1) & 0xfc00) === 0xd800 ? length - 1 : length
  return `${text.slice(0, end)}…`
}

const escapeUnits = (text: string): string =>
  text
    .split("")
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
    .join("")

/** As Go's `%q`: quoted, with everything escaped that is not seen, or that a terminal would obey. */
export const quote = (text: string): string => JSON.stringify(text).replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, escapeUnits)

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
