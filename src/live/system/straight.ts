/** Opening a path that somebody else has named: no part of it may lead elsewhere. */
import { closeSync, constants, openSync } from "node:fs"
import { O_CLOEXEC, O_PATH, openat } from "./libc.ts"

const { O_DIRECTORY, O_NOFOLLOW } = constants

/**
 * Opens an absolute path without `..`, of which no part is a symbolic link: folder by folder, since openat2(2), which can
 * be told so, came with Linux 5.6. A link is ENOTDIR where a folder is expected and ELOOP at the end. A descriptor,
 * close-on-exec.
 */
export const openStraight = (path: string, flags: number, mode = 0): number => {
  const parts = path.split("/").filter((part) => part !== "" && part !== ".")
  const name = parts.pop() ?? "."
  let folder = openSync("/", O_PATH | O_DIRECTORY | O_CLOEXEC)
  try {
    for (const part of parts) {
      const next = openat(folder, part, O_PATH | O_DIRECTORY | O_NOFOLLOW)
      closeSync(folder)
      folder = next
    }
    return openat(folder, name, flags | O_NOFOLLOW, mode)
  } finally {
    closeSync(folder)
  }
}
