import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { assert, describe, it } from "vitest"
import { encodeResources, type Resources, resourcesFile } from "../../src/devices/resources.ts"
import { writeResources } from "../../src/devices/writeResources.ts"
import { makeFolder } from "../lab/folder.ts"
import { must, run } from "../lab/run.ts"

const some = (count: number): Resources =>
  Object.fromEntries(
    Array.from({ length: count }, (_, n) => [
      `resource${n}`,
      { lowerDevice: `eth${n}`, mode: "bridge", capacity: 100, standalone: false }
    ])
  )

describe("writing resources.json", () => {
  it("makes the folder, and replaces what a killed daemon left", async () => {
    await using folder = await makeFolder("dp-write")
    const state = `${folder.path}/a/b`
    writeResources(state, some(1))
    assert.strictEqual(readFileSync(resourcesFile(state), "utf8"), encodeResources(some(1)))
    writeFileSync(`${resourcesFile(state)}.new`, "{ half a te")
    writeResources(state, some(2))
    assert.strictEqual(readFileSync(resourcesFile(state), "utf8"), encodeResources(some(2)))
    assert.deepStrictEqual(readdirSync(state), ["resources.json"])
  })

  it.skipIf(process.getuid?.() !== 0)("leaves the old text where the disk is full", async () => {
    await using folder = await makeFolder("dp-full")
    await must("mount", ["-t", "tmpfs", "-o", "size=16k", "dp-full", folder.path])
    try {
      writeResources(folder.path, some(3))
      assert.throws(() => writeResources(folder.path, some(1000)), /ENOSPC/)
      assert.strictEqual(readFileSync(resourcesFile(folder.path), "utf8"), encodeResources(some(3)))
      assert.isFalse(existsSync(`${resourcesFile(folder.path)}.new`))
      writeResources(folder.path, some(4))
      assert.strictEqual(readFileSync(resourcesFile(folder.path), "utf8"), encodeResources(some(4)))
    } finally {
      await run("umount", [folder.path])
    }
  })
})
