/** Types and style are tests too, so that `npm test` is the one command, with one count. */
import { assert, it } from "vitest"
import { run } from "../lab/run.ts"

const timeout = 120_000

it("types hold", { timeout }, async () => {
  const { status, stdout } = await run("node_modules/.bin/tsc", ["--pretty", "false"], { timeout })
  assert.strictEqual(status, 0, stdout)
})

it("lint and formatting hold", { timeout }, async () => {
  const options = { timeout, env: { ...process.env, NO_COLOR: "1" } as Record<string, string> }
  const result = await run(
    "node_modules/.bin/biome",
    ["check", "--error-on-warnings", "--max-diagnostics=100"],
    options
  )
  assert.strictEqual(result.status, 0, result.stdout + result.stderr)
})
