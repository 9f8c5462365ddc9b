/**
 * JSON's strings, numbers and literals, each from its first character: where it ends, or what is wrong with it in the
 * words of Go's encoding/json.
 */

/** The character at `at` is wrong; `context` says where the scanner was. At the text's end the text is too short. */
export interface TokenFault {
  readonly at: number
  readonly context: string
}

/** The index behind the token. */
export type Token = number | TokenFault

const isDigit = (char: string | undefined): boolean => char !== undefined && char >= "0" && char <= "9"

const isHex = (char: string | undefined): boolean => char !== undefined && /^[0-9a-fA-F]$/.test(char)

/** An escape from its backslash. */
const escapeEnd = (text: string, start: number): Token => {
  const kind = text[start + 1] ?? ""
  if (kind !== "u") {
    return kind !== "" && '"\\/bfnrt'.includes(kind) ? start + 2 : { at: start + 1, context: "in string escape code" }
  }
  const wrong = [2, 3, 4, 5].find((offset) => !isHex(text[start + offset]))
  return wrong === undefined ? start + 6 : { at: start + wrong, context: "in \\u hexadecimal character escape" }
}

export const stringEnd = (text: string, start: number): Token => {
  let at = start + 1
  while (at < text.length && text[at] !== '"') {
    if (text.charCodeAt(at) < 0x20) {
      return { at, context: "in string literal" }
    }
    const next = text[at] === "\\" ? escapeEnd(text, at) : at + 1
    if (typeof next !== "number") {
      return next
    }
    at = next
  }
  return at < text.length ? at + 1 : { at, context: "in string literal" }
}

/** At least one digit. */
const digitsEnd = (text: string, start: number, context: string): Token => {
  let at = start
  while (isDigit(text[at])) {
    at++
  }
  return at > start ? at : { at, context }
}

/** `1`, `-1.5e+3`; a leading zero ends the number, so that what follows is out of place. */
export const numberEnd = (text: string, start: number): Token => {
  let at = text[start] === "-" ? start + 1 : start
  let end = text[at] === "0" ? at + 1 : digitsEnd(text, at, "in numeric literal")
  if (typeof end === "number" && text[end] === ".") {
    end = digitsEnd(text, end + 1, "after decimal point in numeric literal")
  }
  if (typeof end === "number" && (text[end] === "e" || text[end] === "E")) {
    at = text[end + 1] === "+" || text[end + 1] === "-" ? end + 2 : end + 1
    end = digitsEnd(text, at, "in exponent of numeric literal")
  }
  return end
}

const literals = ["true", "false", "null"]

export const literalEnd = (text: string, start: number): Token => {
  const literal = literals.find((each) => each[0] === text[start]) ?? ""
  const wrong = [...literal].findIndex((char, offset) => text[start + offset] !== char)
  return wrong === -1
    ? start + literal.length
    : { at: start + wrong, context: `in literal ${literal} (expecting '${literal[wrong]}')` }
}
