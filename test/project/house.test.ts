/** The house stays as CONTRIBUTING shows it: read downward, without circles, a folder one idea. */
import { globSync, readdirSync, readFileSync } from "node:fs"
import { dirname, relative, resolve } from "node:path"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "vitest"
import { declarationsOf } from "./declarations.ts"
import { fileOf, importsOf } from "./modules.ts"

const root = fileURLToPath(new URL("../..", import.meta.url))
const files = globSync("src/**/*.ts", { cwd: root }).sort()
const contributing = readFileSync(resolve(root, "CONTRIBUTING.md"), "utf8")

/** What a file imports of src, types included. */
const importedBy = (file: string): ReadonlyArray<string> =>
  importsOf(resolve(root, file))
    .filter(({ specifier }) => specifier.startsWith("."))
    .map(({ specifier }) => relative(root, fileOf(specifier, resolve(root, file))))

/** The first circle that is found from `file`, as the files on the way. */
const circleFrom = (file: string, way: ReadonlyArray<string>, done: Set<string>): ReadonlyArray<string> | undefined => {
  if (way.includes(file)) return [...way.slice(way.indexOf(file)), file]
  if (done.has(file)) return undefined
  for (const next of importedBy(file)) {
    const circle = circleFrom(next, [...way, file], done)
    if (circle !== undefined) return circle
  }
  done.add(file)
  return undefined
}

/** Callees above their callers, in words. */
const upward = (file: string): ReadonlyArray<string> => {
  const declarations = declarationsOf(resolve(root, file))
  const code = new Map(
    declarations.filter(({ isCode }) => isCode).map((declaration) => [declaration.name, declaration])
  )
  return [...code.values()].flatMap(({ name, start, calls }) =>
    calls.flatMap((callee) => {
      const other = code.get(callee)
      return other !== undefined && other.start < start && !other.calls.includes(name)
        ? [`${file}: ${name} calls ${callee}, which stands above it`]
        : []
    })
  )
}

/** The files that a table of CONTRIBUTING names, a row each, in their order. */
const stationsOf = (heading: string): ReadonlyArray<string> => {
  const chapter = contributing.split(/^#+ /m).find((part) => part.startsWith(heading)) ?? ""
  return [...chapter.matchAll(/^\| `(src\/[^`]+)` \|/gm)].map(([, file = ""]) => file)
}

describe("the house", () => {
  it("has no circle of files, types included", () => {
    const done = new Set<string>()
    const circles = files.flatMap((file) => circleFrom(file, [], done)?.join(" > ") ?? [])
    assert.deepStrictEqual(circles, [])
  })

  it("has no folder of more than a dozen files", () => {
    const folders = [...new Set(files.map(dirname))]
    const full = folders.filter(
      (folder) => readdirSync(resolve(root, folder)).filter((name) => /\./.test(name)).length > 12
    )
    assert.deepStrictEqual(full, [])
  })

  it.each(["src/main.ts", ...files.filter((file) => /^src\/(plugin|tools|command|commands\.ts)/.test(file))])(
    "%s is read downward",
    (file) => {
      assert.deepStrictEqual(upward(file), [])
    }
  )

  it("names a file in PascalCase only where it holds a type or a service of that name", () => {
    const wrong = files.filter((file) => {
      const name = /([^/]+)\.ts$/.exec(file)?.[1] ?? ""
      return /^[A-Z]/.test(name) && !declarationsOf(resolve(root, file)).some((declared) => declared.name === name)
    })
    assert.deepStrictEqual(
      wrong.filter((file) => !/(Live|Mock)\.ts$|^src\/device-plugin\//.test(file)),
      []
    )
  })
})

describe("the way of one ADD in CONTRIBUTING", () => {
  const stations = stationsOf("One ADD, from top to bottom")

  it("has at most a dozen stations, and ends where the kernel is asked", () => {
    assert.isAtMost(stations.length, 12)
    assert.strictEqual(stations[0], "src/main.ts")
    assert.include(readFileSync(resolve(root, stations.at(-1) ?? ""), "utf8"), "send(")
  })

  it.each(stations.map((station, at) => [station, at] as const))("comes to %s from above", (station, at) => {
    const above = stations.slice(0, at)
    const isService = (file: string) => file.startsWith("src/services/")
    // A service is met as an interface, and goes on in the file that implements it.
    const leads = (file: string) =>
      importedBy(file).includes(station) || (isService(file) && importedBy(station).includes(file))
    assert.isTrue(at === 0 || above.some(leads), "no station above leads here")
    assert.deepStrictEqual(
      importedBy(station).filter((file) => above.includes(file) && !isService(file)),
      [],
      "it leads back up"
    )
  })
})

describe("what CONTRIBUTING says is taken back", () => {
  it("names every file of the plugin that registers a release, and no other", () => {
    const registering = files.filter(
      (file) =>
        file.startsWith("src/plugin/") &&
        /Effect\.(acquireRelease|addFinalizer)\(/.test(readFileSync(resolve(root, file), "utf8"))
    )
    assert.deepStrictEqual([...new Set(stationsOf("One ADD that fails"))].sort(), registering)
  })
})
