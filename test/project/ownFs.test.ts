/** The executable's own node:fs says what the runtime's says, with the same codes. */
import { execFileSync } from "node:child_process"
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs"
import { resolve } from "node:path"
import { assert, describe, it } from "vitest"
import { architectures, isArchitecture, packageFolder } from "../../scripts/build/packages.ts"
import { makeFolder } from "../lab/folder.ts"
import { must } from "../lab/run.ts"

const root = resolve(import.meta.dirname, "../..")
const bun = isArchitecture(process.arch)
  ? `${packageFolder(root, `@oven/bun-linux-${architectures[process.arch].bun}`)}/bin/bun`
  : ""

const said = async (which: string, folder: string, env: Readonly<Record<string, string>> = {}): Promise<unknown> =>
  JSON.parse(await must(bun, [resolve(import.meta.dirname, "fixtures/files.ts"), which, folder], { env }))

describe("the executable's node:fs", () => {
  it("is like the runtime's, with its foreign functions and without", async () => {
    await using folder = await makeFolder("own-fs")
    const at = (name: string): string => `${folder.path}/${name}`
    writeFileSync(at("text"), "\ufeffhällo 😀\n")
    writeFileSync(at("empty"), "")
    writeFileSync(at("long"), "0123456789".repeat(10_000))
    mkdirSync(at("folder"))
    symlinkSync("text", at("link"))
    execFileSync("mkfifo", [at("fifo")])

    const runtimes = await said("node:fs", folder.path)
    const own = resolve(root, "scripts/build/fs.ts")
    assert.deepStrictEqual(await said(own, folder.path), runtimes)
    assert.deepStrictEqual(await said(own, folder.path, { BUN_JSC_useJIT: "0" }), runtimes)
  })
})
