/** Before the tests: dist/macvtap, where the sources are newer than it or it is not there. */
import { spawnSync } from "node:child_process"
import { globSync, statSync } from "node:fs"
import { resolve } from "node:path"

const modified = (file: string): number => statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0

export const setup = (): void => {
  if (process.env["MACVTAP_CNI_EXECUTABLE"] !== undefined) return
  const sources = ["package-lock.json", ...globSync(["src/**/*.{ts,c,h}", "scripts/build.ts", "scripts/build/*.ts"])]
  if (modified("dist/macvtap") > Math.max(...sources.map(modified))) return
  const build = spawnSync(process.execPath, [resolve("scripts/build.ts")], { encoding: "utf8" })
  // Tests of the executable then skip, and test/project/build.test.ts fails with the same words.
  process.stderr.write(build.status === 0 ? build.stdout : `dist/macvtap is not built: ${build.stderr}`)
}
