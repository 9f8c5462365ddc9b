/**
 * Text from outside (aliases, names of pods and links, files, a plugin's own error) made fit for a terminal, a log, an error
 * message and a JSON document. The only place where this is done.
 */

/**
 * What a terminal would obey, or a reader would not see: control and format characters (ESC, what turns the direction of
 * text around, zero-width ones), line separators, lone surrogates, and what Unicode has given to nobody.
 */
const unfit = /[\p{C}\p{Zl}\p{Zp}]/gu

const short: Readonly<Record<string, string>> = { "\t": "\\t", "\n": "\\n", "\r": "\\r" }

const writtenOut = (character: string): string =>
  short[character] ??
  character
    .split("")
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
    .join("")

/** One line whatever the text holds, each unfit character written as in JSON: `\n`, `\u001b`, `\u202e`. */
export const escapeText = (text: string): string => text.replaceAll(unfit, writtenOut)

/** As Go's `%q`: between double quotes, so that its ends are seen; a number (an ifindex for a name) without. */
export const quote = (text: string | number): string => escapeText(JSON.stringify(text))

/**
 * A JSON document that means the same and is safe to look at. Indented by `indent` spaces, on one line where that is left
 * out; without a newline at its end.
 */
export const jsonText = (value: unknown, indent?: number): string =>
  // A newline that stands in JSON as itself is its layout: in a string it would be written out.
  JSON.stringify(value, undefined, indent).split("\n").map(escapeText).join("\n")

/** At most `length` UTF-16 units and an ellipsis; cut on a whole character, so that no surrogate is left alone. */
export const shorten = (text: string, length: number): string => {
  if (text.length <= length) {
    return text
  }
  const end = (text.charCodeAt(length - 1) & 0xfc00) === 0xd800 ? length - 1 : length
  return `${text.slice(0, end)}…`
}
