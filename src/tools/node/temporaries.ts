/** Files that are being installed, beside the place of which they are. */
import { join } from "node:path"
import { readFolder } from "./files.ts"

/** A name beside the target, not visible to a runtime: no plugin is called that. */
export const makeTemporary = (folder: string): string =>
  join(folder, `.macvtap-install-${Buffer.from(crypto.getRandomValues(new Uint8Array(8))).toString("hex")}`)

/** What an installation that was killed has left in the folder. */
export const temporaries = (folder: string): ReadonlyArray<string> =>
  readFolder(folder)
    .filter((entry) => /^\.macvtap-install-[0-9a-f]{16}$/.test(entry.name))
    .map((entry) => join(folder, entry.name))
