/** A folder of a test's own, gone at the end of its block. */
import { chmod, mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"

export interface Folder extends AsyncDisposable {
  readonly path: string
}

/** A new folder `<tmp>/<prefix>-XXXXXX`, open to other users; removed with what is in it. */
export const makeFolder = async (prefix: string): Promise<Folder> => {
  const path = await mkdtemp(join(tmpdir(), `${prefix}-`))
  await chmod(path, 0o755)
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}
