/** Checksums as `sha256sum --check` reads them. */
import { createHash } from "node:crypto"
import { readFileSync } from "node:fs"
import { join } from "node:path"

/** A line for each of the folder's files, in the order of their names. */
export const sumsOf = (folder: string, names: ReadonlyArray<string>): string =>
  [...names]
    .sort()
    .map(
      (name) =>
        `${createHash("sha256")
          .update(readFileSync(join(folder, name)))
          .digest("hex")}  ${name}\n`
    )
    .join("")
