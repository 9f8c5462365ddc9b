/** CONTRIBUTING's worked example is the code that test/link tests, letter by letter. */
import { readFileSync } from "node:fs"
import { assert, it } from "vitest"

const dedent = (block: string): string => block.replaceAll(/^ {3}/gm, "")

it("CONTRIBUTING shows the ipvlan that is tested", () => {
  const blocks = [...readFileSync("CONTRIBUTING.md", "utf8").matchAll(/ {3}```ts\n([\s\S]*?) {3}```/g)]
  const [kind = "", line = "", scene = ""] = blocks.map(([, block = ""]) => dedent(block))
  const tested = readFileSync("test/link/ipvlan.ts", "utf8")
  const withoutHeader = (source: string) => source.slice(source.indexOf("import"))
  assert.strictEqual(withoutHeader(kind), withoutHeader(tested.replaceAll("../../src/link/", "./")))
  // Up to the kind that is added: the line is true before a contributor writes it, and after.
  const registry = line.trim().split("\n").at(-1)?.replace(", ipvlan]", "") ?? ""
  assert.match(registry, /^export const kinds: .*\[macvtap, macvlan$/)
  assert.include(readFileSync("src/link/kinds.ts", "utf8"), registry)
  assert.include(readFileSync("scripts/golden-scenes.ts", "utf8"), scene.trim())
})
