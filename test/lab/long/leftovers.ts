/** Folders that other programs make for good where nobody told them otherwise: gone again where they were not there. */
import { existsSync } from "node:fs"
import { readdir, rmdir } from "node:fs/promises"
import { join } from "node:path"

/** Removes the folder and those in it; what holds a file stays (a cgroup's own files do not count). */
export const removeEmpty = async (path: string): Promise<void> => {
  for (const entry of await readdir(path, { withFileTypes: true }).catch(() => [])) {
    if (entry.isDirectory()) await removeEmpty(join(path, entry.name))
  }
  await rmdir(path).catch(() => {})
}

/** At the end of the block those of `paths` that are not there now are not there again, as far as they are empty. */
export const keepAbsent = (...paths: ReadonlyArray<string>): AsyncDisposable => {
  const absent = paths.filter((path) => !existsSync(path))
  return {
    [Symbol.asyncDispose]: async () => {
      for (const path of absent) await removeEmpty(path)
    }
  }
}
