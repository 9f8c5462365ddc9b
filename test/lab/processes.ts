/** Processes known by what they were started with: those of one call, or of one run, wherever they have gone since. */
import { existsSync, readlinkSync } from "node:fs"
import { readdir, readFile } from "node:fs/promises"

/** The ids of the processes that have such a variable (`NAME=value`) in their first environment, this one left out. */
export const processesWith = async (isIt: (variable: string) => boolean): Promise<ReadonlyArray<number>> => {
  const found: Array<number> = []
  for (const pid of (await readdir("/proc")).filter((entry) => /^\d+$/.test(entry)).map(Number)) {
    const environ = await readFile(`/proc/${pid}/environ`, "latin1").catch(() => "")
    if (pid !== process.pid && environ.split("\0").some(isIt)) found.push(pid)
  }
  return found
}

/** Whether the process runs; one that has ended and that nobody has asked after (a zombie) does not. */
export const isRunning = (pid: number): boolean => {
  if (!existsSync(`/proc/${pid}`)) return false
  try {
    return readlinkSync(`/proc/${pid}/exe`) !== ""
  } catch {
    return false
  }
}
