/** npm's scripts run on the project's own Node: with npm 10, `node` in them can be the machine's, which may be 20. */
import { readFileSync } from "node:fs"
import { assert, it } from "vitest"

it("no npm script calls a program of node_modules but by scripts/node", () => {
  const { scripts } = JSON.parse(readFileSync("package.json", "utf8")) as { readonly scripts: Record<string, string> }
  const others = Object.values(scripts).filter((script) => !/^(sh scripts\/node |biome )/.test(script))
  assert.deepStrictEqual(others, [])
})

it("this is that Node", () => {
  const { optionalDependencies } = JSON.parse(readFileSync("package.json", "utf8"))
  assert.strictEqual(process.versions.node, optionalDependencies[`node-linux-${process.arch}`])
})
