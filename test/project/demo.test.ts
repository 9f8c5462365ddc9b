/** `npm run demo` on the kernel in memory: the story goes as it should, and nobody can take it for real. */
import { assert, it } from "vitest"
import { run } from "../lab/run.ts"

it("the demo, simulated, marks every line", async () => {
  const { status, stdout, stderr } = await run(process.execPath, ["scripts/demo.ts", "--simulate"])
  assert.strictEqual(stderr, "")
  assert.strictEqual(status, 0)
  const [first, ...lines] = stdout.trimEnd().split("\n")
  assert.match(first ?? "", /kernel in memory/)
  assert.isAbove(lines.length, 40)
  assert.deepStrictEqual(
    lines.filter((line) => !line.startsWith("[simulated]")),
    []
  )
  assert.match(stdout, /eth2@if\d+: .*\n.*02:03:04:05:06:07.*\n.*macvtap mode bridge/)
  assert.match(stdout, /crw-rw---- 107 107 .*\/dev\/tap\d+/)
})
