/** `npm run build` makes an executable of these sources, the same one each time. */
import { createHash } from "node:crypto"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, it } from "vitest"
import { makeFolder } from "../lab/folder.ts"
import { must } from "../lab/run.ts"

const build = async (folder: string): Promise<string> => {
  const out = join(folder, "macvtap")
  await must(process.execPath, ["scripts/build.ts", "--out", out])
  return out
}

const digest = (file: string): string => createHash("sha256").update(readFileSync(file)).digest("hex")

it("the executable is reproducible, and answers with an empty environment", async () => {
  await using folder = await makeFolder("build")
  const first = digest(await build(folder.path))
  const executable = await build(folder.path)
  assert.strictEqual(digest(executable), first)
  const answer = JSON.parse(await must(executable, [], { env: { CNI_COMMAND: "VERSION" } }))
  assert.include(answer.supportedVersions, "1.1.0")
})
