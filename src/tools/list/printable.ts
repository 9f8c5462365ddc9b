/** Texts from outside (aliases, pod names, files) made fit for a terminal, a table and a diagram. */

/**
 * Control and format characters (what turns the direction of text around, zero-width ones), line separators and lone
 * surrogates: a terminal would obey them, or a reader not see them.
 */
const unfit = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu

/** What is unfit written out: `\u{1b}`. */
export const printable = (text: string): string =>
  text.replaceAll(unfit, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`)

/** A label between quotes in Mermaid's language: what has a meaning there is written by its number, `#60;`. */
export const mermaidLabel = (text: string): string =>
  printable(text).replaceAll(/["#&<>`;\\[\]{}|*_~%]/g, (character) => `#${character.codePointAt(0)};`)

/** A document for machines: indented, and with what a terminal would obey written as JSON's `\u009b`. */
export const jsonText = (value: unknown): string =>
  `${JSON.stringify(value, undefined, 2)
    .split("\n")
    .map((line) =>
      line.replaceAll(unfit, (character) =>
        character
          .split("")
          .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
          .join("")
      )
    )
    .join("\n")}\n`
