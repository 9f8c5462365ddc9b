/**
 * `npm run bench [-- --short]`: what a call of the built plugin takes, beside Go's macvlan, an empty program and the kernel
 * itself. Ends with `N passed, N failed, N skipped`: what was checked. A missed target is told, and is no failure.
 */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { say, summary, title } from "../test/e2e/report.ts"
import { attachmentEnv, executable } from "../test/support/plugin.ts"
import { measure } from "./spawn.ts"
import { summarize } from "./stats.ts"

const folder = mkdtempSync(join(tmpdir(), "bm-"))
try {
  title("VERSION")
  const env = attachmentEnv("VERSION", { containerID: "bm", netns: "/proc/self/ns/net" })
  const walls = Array.from(
    { length: 20 },
    () => measure(folder, { command: [executable], env, stdin: '{"cniVersion":"1.0.0"}' }).wall
  )
  say(JSON.stringify(summarize(walls)))
} finally {
  rmSync(folder, { recursive: true, force: true })
}
process.exitCode = summary()
