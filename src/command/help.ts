/** The help texts, made from the tables of the commands. */
import type { Command, Options } from "./Command.ts"

/** `macvtap --help`. */
export const overview = (commands: ReadonlyArray<Pick<Command, "name" | "summary">>): string =>
  `Usage: macvtap <command> [options]

A CNI plugin: a container runtime calls it with CNI_COMMAND in the environment and a configuration on stdin.
For people there are these commands:

${columns(commands.map(({ name, summary }) => [name, summary]))}
macvtap <command> --help says more. macvtap --version says which version this is.
`

/** `macvtap install --help`. */
export const commandHelp = ({
  name,
  description,
  options,
  operands
}: Command): string => `Usage: macvtap ${name} [options]${operands === undefined ? "" : ` ${operands}`}

${description.map((paragraph) => `${wrap(paragraph, 100, 0)}\n\n`).join("")}Options:
${columns([...Object.entries(options).map(optionRow), ["--help", "this text"]])}`

const optionRow = ([name, option]: [string, Options[string]]): readonly [string, string] => {
  if (option.type === "boolean") return [`--${name}`, option.help]
  const otherwise = typeof option.default === "string" && option.default !== "" ? ` (default: ${option.default})` : ""
  return [`--${name} ${option.value}`, `${option.help}${"multiple" in option ? " (may be repeated)" : ""}${otherwise}`]
}

/** Rows of two columns, the second one aligned and wrapped. */
const columns = (rows: ReadonlyArray<readonly [string, string]>): string => {
  const width = Math.max(...rows.map(([left]) => left.length))
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${wrap(right, 96 - width, width + 4)}\n`).join("")
}

/** Breaks a text between words; lines after the first are indented. */
const wrap = (text: string, width: number, indent: number): string => {
  const lines: Array<string> = []
  for (const word of text.split(" ")) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines.join(`\n${" ".repeat(indent)}`)
}
