import { mkdirSync, statSync } from "node:fs"
import * as Effect from "effect/Effect"
import { assert, describe, it } from "vitest"
import { makeLogOpener } from "../../src/live/log/LogLive.ts"
import { makeFolder } from "../lab/folder.ts"
import { hasMacvtap } from "../lab/machine.ts"
import { must, run } from "../lab/run.ts"

describe.skipIf(!hasMacvtap)("a log on a full disk", () => {
  it("loses its lines, with one note on stderr, and no call fails", async () => {
    await using folder = await makeFolder("live-log")
    const disk = `${folder.path}/disk`
    mkdirSync(disk)
    await must("mount", ["-t", "tmpfs", "-o", "size=16k", "tmpfs", disk])
    try {
      const lines: Array<string> = []
      const stderr = (text: string): void => void lines.push(text)
      const { open } = makeLogOpener(stderr)
      await open({ file: `${disk}/a.log`, context: "c1" }).pipe(
        Effect.flatMap(({ log }) => Effect.forEach(Array(100), () => log("error", () => "x".repeat(1000)))),
        Effect.scoped,
        Effect.runPromise
      )
      assert.strictEqual(lines.length, 1)
      assert.match(
        lines[0] ?? "",
        /^\S+ warning c1 cannot write to "logFile" ".*\/disk\/a\.log": ENOSPC; its lines are lost\n$/
      )
      assert.isAbove(statSync(`${disk}/a.log`).size, 1000)
      const none = await open({ file: `${disk}/b.log`, context: "c1" }).pipe(
        Effect.flatMap(({ log }) => log("error", () => "text")),
        Effect.scoped,
        Effect.exit,
        Effect.runPromise
      )
      assert.strictEqual(none._tag, "Success")
      assert.match(lines[1] ?? "", /b\.log" is not used: ENOSPC/)
      assert.isTrue(lines[2]?.endsWith("error c1 text\n"))
    } finally {
      await run("umount", [disk])
    }
  })
})
