/** A command line by the table of its options. */
import * as Effect from "effect/Effect"
import { type Options, UsageError, type Values } from "./Tool.ts"

/** What was asked of the tool: to run, or to explain itself. */
export type Parsed<O extends Options> = { readonly help: true } | { readonly help: false; readonly values: Values<O> }

const problemOf = (error: unknown): string =>
  // Node adds a hint about positionals that start with a dash; no tool here takes any.
  (error instanceof Error ? error.message : String(error)).replace(/\. To specify a positional argument .*$/s, "")

/**
 * Reads `--name value`, `--name=value` and flags; anything else is a usage error. With node:util's parser: effect/cli
 * does the same with more comfort, but adds 3 MB to the executable and 0.8 ms to the start of every CNI call. It is
 * imported only here and now for the same reason.
 */
export const parse = Effect.fnUntraced(function* <O extends Options>(options: O, args: ReadonlyArray<string>) {
  const { parseArgs } = yield* Effect.promise(() => import("node:util"))
  const table = Object.entries(options).map(([name, option]) => [
    name,
    { type: option.type, multiple: "multiple" in option }
  ])
  const { values } = yield* Effect.try({
    try: () =>
      parseArgs({
        args: [...args],
        options: { ...Object.fromEntries(table), help: { type: "boolean", short: "h" } },
        allowPositionals: false
      }),
    catch: (error) => new UsageError({ problem: problemOf(error) })
  })
  const given: Readonly<Record<string, unknown>> = values
  if (given["help"] === true) return { help: true } as Parsed<O>
  const defaults = Object.entries(options).map(([name, option]) => [name, "default" in option ? option.default : false])
  return { help: false, values: { ...Object.fromEntries(defaults), ...given } } as Parsed<O>
})
