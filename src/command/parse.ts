/** A command line by the table of its options. */
import { isAbsolute, join, normalize } from "node:path"
import { parseArgs } from "node:util"
import * as Result from "effect/Result"
import { quote } from "../wire/foreign.ts"
import { type Options, UsageError, type Values } from "./Command.ts"

/** What was asked of the command: to run, or to explain itself. */
export type Parsed<O extends Options> =
  | { readonly help: true }
  | { readonly help: false; readonly values: Values<O>; readonly operands: ReadonlyArray<string> }

/**
 * Reads `--name value`, `--name=value` and flags; anything else is a usage error. `stands` is the folder in which the
 * person says to stand (PWD), for the words about a relative path. With node:util's parser: effect/cli does the same with
 * more comfort, but adds 3 MB to the executable.
 */
export const parse = <O extends Options>(
  options: O,
  args: ReadonlyArray<string>,
  stands?: string,
  takesOperands = false
): Result.Result<Parsed<O>, UsageError> =>
  Result.gen(function* () {
    const { values: given, positionals: operands } = yield* readArgs(options, args, takesOperands)
    if (given["help"] === true) return { help: true }
    const values: Record<string, unknown> = {}
    for (const [name, option] of Object.entries(options)) {
      const value =
        given[name] ?? ("default" in option ? option.default : option.type === "boolean" ? false : undefined)
      values[name] = "path" in option ? yield* readPaths(name, value, stands) : value
      if ("choices" in option) yield* checkChoice(name, value as string, option.choices ?? [])
    }
    return { help: false, values: values as Values<O>, operands }
  })

interface Given {
  readonly values: Readonly<Record<string, unknown>>
  readonly positionals: ReadonlyArray<string>
}

const readArgs = (
  options: Options,
  args: ReadonlyArray<string>,
  takesOperands: boolean
): Result.Result<Given, UsageError> => {
  const table = Object.entries(options).map(([name, option]) => [
    name,
    { type: option.type, multiple: "multiple" in option }
  ])
  return Result.try({
    try: () =>
      parseArgs({
        args: [...args],
        options: { ...Object.fromEntries(table), help: { type: "boolean", short: "h" } },
        allowPositionals: takesOperands
      }),
    catch: (error) => new UsageError({ problem: problemOf(error) })
  })
}

const problemOf = (error: unknown): string =>
  // Node adds a hint about positionals that start with a dash; no command here takes any.
  (error instanceof Error ? error.message : String(error)).replace(/\. To specify a positional argument .*$/s, "")

/** Paths without `..` and a slash at their end. */
const readPaths = (name: string, value: unknown, stands: string | undefined): Result.Result<unknown, UsageError> =>
  Result.gen(function* () {
    if (Array.isArray(value)) {
      const paths: Array<string> = []
      for (const one of value) paths.push(yield* readPath(name, one, stands))
      return paths
    }
    return value === undefined ? undefined : yield* readPath(name, value as string, stands)
  })

const readPath = (name: string, path: string, stands: string | undefined): Result.Result<string, UsageError> => {
  if (isAbsolute(path)) return Result.succeed(normalize(path).replace(/(.)\/+$/, "$1"))
  const meant = stands !== undefined && isAbsolute(stands) ? `: ${quote(join(stands, path))}?` : ""
  return Result.fail(new UsageError({ problem: `--${name} is ${quote(path)}, but must be an absolute path${meant}` }))
}

const checkChoice = (name: string, value: string, choices: ReadonlyArray<string>): Result.Result<void, UsageError> =>
  choices.includes(value)
    ? Result.succeed(undefined)
    : Result.fail(new UsageError({ problem: `--${name} is ${quote(value)}, but must be ${choices.join(", ")}` }))
