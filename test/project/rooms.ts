/** The rooms of src and the arrows between them, as the imports say. */
import { globSync, readFileSync } from "node:fs"
import { relative, resolve } from "node:path"
import { fileURLToPath } from "node:url"
import { fileOf, importsOf } from "./modules.ts"

export const root = fileURLToPath(new URL("../..", import.meta.url))
const source = resolve(root, "src")

type Graph = ReadonlyMap<string, ReadonlySet<string>>

const roomOf = (file: string): string => relative(source, file).split("/")[0] ?? ""

/** Which room imports which, types and what is loaded later included. */
export const roomsOfSources = (): Graph => {
  const rooms = new Map<string, Set<string>>()
  for (const path of globSync("src/**/*.ts", { cwd: root })) {
    const file = resolve(root, path)
    const from = roomOf(file)
    const later = [...readFileSync(file, "utf8").matchAll(/import\("(\.[^"]+)"\)/g)].map(
      ([, specifier = ""]) => specifier
    )
    const specifiers = [...importsOf(file).map(({ specifier }) => specifier), ...later]
    const others = specifiers.filter((specifier) => specifier.startsWith(".")).map((to) => roomOf(fileOf(to, file)))
    const known = rooms.get(from) ?? new Set()
    for (const to of others) if (to !== from) known.add(to)
    rooms.set(from, known)
  }
  return rooms
}

const reaches = (graph: Graph, from: string, to: string, without?: string): boolean =>
  [...(graph.get(from) ?? [])].some((next) => next !== without && (next === to || reaches(graph, next, to)))

/** The arrows that no other way implies, sorted. */
export const arrowsOf = (graph: Graph): ReadonlyArray<string> =>
  [...graph]
    .flatMap(([from, others]) =>
      [...others].filter((to) => !reaches(graph, from, to, to)).map((to) => `${from} --> ${to}`)
    )
    .sort()
