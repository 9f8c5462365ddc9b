/** The picture of the code in CONTRIBUTING is what the imports say. */
import { readFileSync } from "node:fs"
import { resolve } from "node:path"
import { assert, it } from "vitest"
import { arrowsOf, roomsOfSources, root } from "./rooms.ts"

it("CONTRIBUTING draws the arrows that there are", () => {
  const picture = /```mermaid\nflowchart TD\n([\s\S]*?)```/.exec(readFileSync(resolve(root, "CONTRIBUTING.md"), "utf8"))
  const drawn = (picture?.[1] ?? "").split("\n").flatMap((line) => line.trim() || [])
  assert.deepStrictEqual(drawn, arrowsOf(roomsOfSources()))
})
