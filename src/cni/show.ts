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

/** As Go's `%q` for ordinary text: quoted, with control characters and lone surrogates escaped. */
export const quote = (text: string): string => JSON.stringify(text)

/** A JSON value as a message can bear it: containers are only named, since a hostile one can be large or deep. */
export const show = (value: unknown): string => {
  if (typeof value === "string") {
    return quote(shorten(value, longest))
  }
  if (Array.isArray(value)) {
    return value.length === 0 ? "[]" : `an array of ${value.length}`
  }
  return typeof value === "object" && value !== null ? "an object" : String(value)
}
