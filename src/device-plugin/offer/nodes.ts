/** The folder of our nodes. */
import { readdirSync } from "node:fs"
import { nodeFolder } from "../../devices/resources.ts"

/** What is in it: device IDs, and half-made nodes, which begin with a dot. */
export const listNodes = (stateFolder: string): ReadonlySet<string> => {
  try {
    return new Set(readdirSync(nodeFolder(stateFolder)))
  } catch {
    return new Set()
  }
}
