/** Where the services of one call act: where this process is, or where a client of the agent is. */
import type { StartProgram } from "./process/process.ts"
import type { Poller } from "./system/poller.ts"
import { ownRoot, type Root } from "./system/root.ts"

export interface Whereabouts {
  readonly root: Root
  /** A descriptor of the network namespace that counts as the host's; that of this thread when left out. */
  readonly netns?: number
  /** What a client has opened (O_PATH) by itself, since such a path can lead where only its process may go. */
  readonly opened?: (path: string) => number | undefined
  /** The folder of the kernel's settings, `/proc/sys` of any proc: what it shows depends on who looks. */
  readonly sysctls: string
  /** Starts a delegate where the runtime would; as this process's own child when left out. */
  readonly start?: StartProgram
  /** What hears of a descriptor in a process that serves other calls too; it serves this one alone when left out. */
  readonly resident?: Pick<Poller, "watch">
}

/** Where this process is. */
export const here: Whereabouts = { root: ownRoot, sysctls: "/proc/sys" }
