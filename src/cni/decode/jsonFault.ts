/**
 * What is wrong with a text that is no JSON, in the words of Go's encoding/json, which existing tools know, and where:
 * the engines' own words differ between Node and Bun, and only one of them says where. Runs only after a failure.
 */

import { quote } from "../../wire/foreign.ts"
import { literalEnd, numberEnd, stringEnd, type Token, type TokenFault } from "./jsonTokens.ts"

export interface JsonFault {
  readonly problem: string
  /** `line 3, column 7`, counted from 1; absent where the text just ends. */
  readonly where?: string
}

const tooShort = "unexpected end of JSON input"
const tooDeep = "exceeded max depth"

type Place = "value" | "first value" | "key" | "first key" | "colon" | "after value"

/** Where the scanner is; `closers` are the brackets that are still open. */
interface State {
  at: number
  place: Place
  readonly closers: Array<"]" | "}">
}

const valueEnd = (text: string, at: number): Token => {
  const char = text[at] ?? ""
  if (char === '"') {
    return stringEnd(text, at)
  }
  if (/^[-0-9]$/.test(char)) {
    return numberEnd(text, at)
  }
  return /^[tfn]$/.test(char) ? literalEnd(text, at) : { at, context: "looking for beginning of value" }
}

/** Goes on behind a token to the next place, or stops at what is wrong with it. */
const pass = (state: State, token: Token, place: Place): TokenFault | undefined => {
  if (typeof token !== "number") {
    return token
  }
  state.at = token
  state.place = place
  return undefined
}

const close = (state: State): undefined => {
  state.closers.pop()
  pass(state, state.at + 1, "after value")
}

const open = (state: State, closer: "]" | "}"): undefined => {
  state.closers.push(closer)
  pass(state, state.at + 1, closer === "}" ? "first key" : "first value")
}

const stepValue = (text: string, state: State): TokenFault | undefined => {
  const char = text[state.at]
  if (char === "]" && state.place === "first value") {
    return close(state)
  }
  if (char === "{" || char === "[") {
    return open(state, char === "{" ? "}" : "]")
  }
  return pass(state, valueEnd(text, state.at), "after value")
}

const stepKey = (text: string, state: State): TokenFault | undefined => {
  const char = text[state.at]
  if (char === "}" && state.place === "first key") {
    return close(state)
  }
  return char === '"'
    ? pass(state, stringEnd(text, state.at), "colon")
    : { at: state.at, context: "looking for beginning of object key string" }
}

const stepAfterValue = (text: string, state: State): TokenFault | undefined => {
  const closer = state.closers.at(-1)
  if (closer === undefined) {
    return { at: state.at, context: "after top-level value" }
  }
  if (text[state.at] === closer) {
    return close(state)
  }
  return text[state.at] === ","
    ? pass(state, state.at + 1, closer === "}" ? "key" : "value")
    : { at: state.at, context: closer === "}" ? "after object key:value pair" : "after array element" }
}

const stepColon = (text: string, state: State): TokenFault | undefined =>
  text[state.at] === ":" ? pass(state, state.at + 1, "value") : { at: state.at, context: "after object key" }

const steps: Readonly<Record<Place, (text: string, state: State) => TokenFault | undefined>> = {
  value: stepValue,
  "first value": stepValue,
  key: stepKey,
  "first key": stepKey,
  colon: stepColon,
  "after value": stepAfterValue
}

const isSpace = (char: string | undefined): boolean => char === " " || char === "\n" || char === "\t" || char === "\r"

/** The first thing that is wrong. At the text's end that is too early, unless all was said: then nothing is. */
const firstFault = (text: string): TokenFault => {
  const state: State = { at: 0, place: "value", closers: [] }
  for (;;) {
    while (isSpace(text[state.at])) {
      state.at++
    }
    if (state.at >= text.length) {
      const complete = state.place === "after value" && state.closers.length === 0
      return { at: state.at, context: complete ? tooDeep : tooShort }
    }
    const found = steps[state.place](text, state)
    if (found) {
      return found
    }
  }
}

const position = (text: string, at: number): string => {
  const lines = text.slice(0, at).split("\n")
  return `line ${lines.length}, column ${(lines.at(-1)?.length ?? 0) + 1}`
}

/** As Go's `%q` of a character. */
const quoteCharacter = (char: string): string =>
  char === "'" ? "'\\''" : char === '"' ? "'\"'" : `'${quote(char).slice(1, -1)}'`

/** The first thing that is wrong with a text that the parser refused; an engine may also refuse what is nested too deeply. */
export const jsonFault = (text: string): JsonFault => {
  const { at, context } = firstFault(text)
  const code = text.codePointAt(at)
  return code === undefined
    ? { problem: context === tooDeep ? tooDeep : tooShort }
    : {
        problem: `invalid character ${quoteCharacter(String.fromCodePoint(code))} ${context}`,
        where: position(text, at)
      }
}
