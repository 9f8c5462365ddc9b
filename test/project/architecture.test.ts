/** Imports point down only, and ADD evaluates nothing that it does not need. */
import { globSync } from "node:fs"
import { relative, resolve } from "node:path"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "vitest"
import { evaluated, fileOf, importsOf } from "./modules.ts"

const root = fileURLToPath(new URL("../..", import.meta.url))
const source = resolve(root, "src")

/**
 * What each part may import: other parts, or `part: types` where it may know their shapes and nothing more. A file's own
 * row is what it may beyond its part.
 */
const allowed: Readonly<Record<string, ReadonlyArray<string>>> = {
  wire: [],
  link: ["wire"],
  observe: ["wire"],
  netlink: ["link", "wire"],
  cni: ["link", "wire"],
  devices: ["services", "link", "wire"],
  services: ["services: types", "link: types"],
  command: ["services: types", "wire"],
  live: ["observe", "services", "netlink", "devices", "link", "wire"],
  mock: ["services", "devices", "link", "wire"],
  plugin: ["observe", "cni", "services", "devices", "link", "wire"],
  agent: ["observe", "plugin", "cni", "live", "services", "link", "wire", "command"],
  trace: ["agent", "plugin", "command", "observe", "live", "cni", "services", "wire"],
  "device-plugin": ["command", "observe", "services", "devices", "link", "wire"],
  "device-plugin/main.ts": ["live"],
  "tools/doctor/devicePlugin.ts": ["device-plugin"],
  "tools/doctor/agent.ts": ["agent"],
  "tools/node/agent.ts": ["agent"],
  tools: ["command", "cni", "services", "devices", "link", "wire"],
  "commands.ts": ["agent", "trace", "tools", "device-plugin", "command", "cni"],
  "main.ts": ["commands.ts", "plugin", "cni", "live", "services"]
}

/** Packages that are one part's alone; every other but effect is nobody's. */
const packages: Readonly<Record<string, RegExp>> = {
  koffi: /^src\/live\/system\/foreign\.ts$/,
  "@effect/platform-node": /^src\/(device-plugin|observe|tools)\//,
  "@grpc/grpc-js": /^src\/device-plugin\//,
  "@bufbuild/protobuf": /^src\/device-plugin\//,
  "jsonc-parser": /^src\/device-plugin\//
}

const files = globSync("src/**/*.ts", { cwd: root }).sort()

const partOf = (file: string): string => relative(source, file).split("/")[0] ?? ""

const packageOf = (specifier: string): string => specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/")

/** Why `file` may not import this, if so. */
const objection = (file: string, specifier: string, typesOnly: boolean): string | undefined => {
  if (specifier.startsWith(".")) {
    const [from, to] = [partOf(resolve(root, file)), partOf(fileOf(specifier, resolve(root, file)))]
    const part = allowed[from]
    if (part === undefined) return `the table of this test has no row for src/${from}`
    const may = [...part, ...(allowed[relative("src", file)] ?? [])]
    const own = from === to && !may.includes(`${to}: types`)
    if (own || may.includes(to) || (typesOnly && may.includes(`${to}: types`))) return undefined
    return may.includes(`${to}: types`) ? `${from} may import only types of ${to}` : `${from} may not import ${to}`
  }
  if (specifier.startsWith("node:")) {
    return specifier === "node:process" && file !== "src/main.ts" ? "only main.ts names the process" : undefined
  }
  if (specifier === "effect") return "import its modules: the whole of effect takes 25 ms more to start"
  if (packageOf(specifier) === "effect") return undefined
  return packages[packageOf(specifier)]?.test(file) ? undefined : `${packageOf(specifier)} is not for this file`
}

describe("the direction of imports", () => {
  it.each([...new Set(files.map((file) => partOf(resolve(root, file))))])("out of src/%s", (part) => {
    const objections = files
      .filter((file) => partOf(resolve(root, file)) === part)
      .flatMap((file) =>
        importsOf(resolve(root, file)).flatMap(({ specifier, typesOnly }) => {
          const why = objection(file, specifier, typesOnly)
          return why === undefined ? [] : [`${file}: ${specifier}: ${why}`]
        })
      )
    assert.deepStrictEqual(objections, [])
  })
})

describe("what main.ts evaluates before its first command", () => {
  const graph = evaluated(resolve(source, "main.ts"))
  const path = (module: string): string => {
    const from = graph.get(module)
    return `${from === undefined ? "" : `${path(from)} > `}${relative(root, module)}`
  }
  const found = (pattern: RegExp) => [...graph.keys()].filter((module) => pattern.test(module)).map(path)

  it("is a graph at all", () => {
    assert.isAbove(graph.size, 50)
    assert.isNotEmpty(found(/\/effect\/dist\/Effect\.js$/))
  })

  it.each([
    ["effect's Schema, which takes 2 to 3 ms", /\/effect\/dist\/(unstable\/)?Schema\.js$/],
    ["node:child_process", /^node:child_process$/],
    ["the mocks, the device plugin, the tools", /\/src\/(mock|device-plugin|tools|command)\//],
    ["gRPC", /\/node_modules\/(@grpc|@bufbuild|jsonc-parser)\//]
  ])("has nothing of %s", (_, pattern) => {
    assert.deepStrictEqual(found(pattern), [])
  })
})
