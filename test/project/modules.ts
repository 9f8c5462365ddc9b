/** Which module imports which, as the parser sees it. */
import { readFileSync } from "node:fs"
import { dirname, resolve } from "node:path"
import { fileURLToPath } from "node:url"
import { parseSync } from "vite"

export interface Import {
  /** As written: `../link/Link.ts`, `effect/Effect`. */
  readonly specifier: string
  /** Nothing of it is there at run time. */
  readonly typesOnly: boolean
}

/** The static imports and re-exports of a file. */
export const importsOf = (file: string): ReadonlyArray<Import> => {
  const { module } = parseSync(file, readFileSync(file, "utf8"))
  const imports = module.staticImports.map(({ moduleRequest, entries }) => ({
    specifier: moduleRequest.value,
    typesOnly: entries.length > 0 && entries.every((entry) => entry.isType)
  }))
  const exports = module.staticExports.flatMap(({ entries }) =>
    entries.flatMap(({ moduleRequest, isType }) =>
      moduleRequest ? [{ specifier: moduleRequest.value, typesOnly: isType }] : []
    )
  )
  return [...imports, ...exports]
}

/** The file that `specifier` in `file` stands for; a built-in module's name as it is. */
export const fileOf = (specifier: string, file: string): string => {
  if (specifier.startsWith(".")) return resolve(dirname(file), specifier)
  const url = import.meta.resolve(specifier)
  return url.startsWith("file:") ? fileURLToPath(url) : url
}

/** Everything that is evaluated where `entry` is imported, each with the file that imported it first. */
export const evaluated = (entry: string): ReadonlyMap<string, string | undefined> => {
  const found = new Map<string, string | undefined>([[entry, undefined]])
  for (const file of found.keys()) {
    if (!file.startsWith("/") || file.endsWith(".cjs")) continue
    for (const { specifier, typesOnly } of importsOf(file)) {
      const next = fileOf(specifier, file)
      if (!typesOnly && !found.has(next)) found.set(next, file)
    }
  }
  return found
}
