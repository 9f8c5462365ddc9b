/** A proc of our own: detached, in no mount tree, gone with its descriptor. */
import { closeSync } from "node:fs"
import { errnoOf } from "./errno.ts"
import { fsconfigCreate, fsmount, fsopen } from "./libc.ts"

/** MOUNT_ATTR_NOSUID | NODEV | NOEXEC. */
const mountAttributes = 2 | 4 | 8

/** A descriptor of its root directory; undefined where none may be mounted. */
export const mountProc = (): number | undefined => {
  try {
    const context = fsopen("proc")
    try {
      fsconfigCreate(context)
      return fsmount(context, mountAttributes)
    } finally {
      closeSync(context)
    }
  } catch (thrown) {
    if (errnoOf(thrown) === undefined) throw thrown
    return undefined
  }
}
