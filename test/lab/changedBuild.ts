/** The program built from sources with a change, as another version of it has one. */
import { cp, mkdir, readFile, symlink, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { applied } from "../mutants/Edit.ts"
import { must } from "./run.ts"

const root = fileURLToPath(new URL("../..", import.meta.url))

export interface Change {
  /** Below src. */
  readonly file: string
  /** A text that the file has once. */
  readonly find: string
  readonly replace: string
}

/** The executable of such sources, `<folder>/macvtap`; the folder has to be a new one. */
export const buildChanged = async (folder: string, changes: ReadonlyArray<Change>): Promise<string> => {
  await mkdir(folder)
  for (const part of ["src", "scripts", "package.json"]) {
    await cp(join(root, part), join(folder, part), { recursive: true })
  }
  await symlink(join(root, "node_modules"), join(folder, "node_modules"))
  for (const change of changes) {
    const file = join(folder, "src", change.file)
    await writeFile(file, applied({ ...change, tests: [] }, await readFile(file, "utf8")))
  }
  const out = join(folder, "macvtap")
  await must(process.execPath, [join(folder, "scripts/build.ts"), "--out", out], { timeout: 120_000 })
  return out
}
