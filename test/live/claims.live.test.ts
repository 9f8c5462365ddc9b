/** Claims on numbers, between processes. */
import { fork } from "node:child_process"
import { readdirSync, symlinkSync } from "node:fs"
import { join } from "node:path"
import { assert, it } from "vitest"
import { makeFolder } from "../lab/folder.ts"
import { stale } from "./staleClaim.ts"

const count = 5_000

it("of two who take over one that is over, one has it", { timeout: 60_000 }, async () => {
  await using folder = await makeFolder("claims")
  for (let index = 0; index < count; index++) {
    symlinkSync(`${stale.netnsID} ${stale.alias} ${stale.netnsPath}`, join(folder.path, `246:${index}`))
  }
  const start = String(Date.now() + 1_500)
  const takers = ["one", "two"].map((name) =>
    fork(join(import.meta.dirname, "claimTaker.ts"), [name, folder.path, String(count), start])
  )
  const [one, two] = await Promise.all(
    takers.map((taker) => new Promise<ReadonlyArray<boolean>>((resolve) => taker.on("message", resolve as never)))
  )
  const had = Array.from({ length: count }, (_, index) => Number(one?.[index]) + Number(two?.[index]))
  assert.deepStrictEqual(
    had.filter((owners) => owners !== 1),
    []
  )
  // Nothing is left aside.
  assert.lengthOf(readdirSync(folder.path), count)
})
