/** A resident process gives memory back however many descriptors it has open. */
import { fileURLToPath } from "node:url"
import { assert, it } from "vitest"
import { run } from "../lab/run.ts"

it("without a descriptor to spare the pages of the executable stay, and nothing else happens", async () => {
  const file = fileURLToPath(new URL("../../src/live/system/memory.ts", import.meta.url))
  const script = `
    import { openSync } from "node:fs"
    import { giveBackMemory } from ${JSON.stringify(file)}
    giveBackMemory()
    try {
      for (;;) openSync("/dev/null")
    } catch ({ code }) {
      console.log(code)
    }
    giveBackMemory()
    console.log("well")`
  const words = ["-c", 'ulimit -n 64; exec "$@"', "sh", process.execPath, "--input-type=module", "-e", script]
  const { stdout, stderr } = await run("sh", words)
  assert.strictEqual(stdout, "EMFILE\nwell\n", stderr)
})
