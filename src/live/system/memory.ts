/** What a resident process holds of the machine's memory and does not need at the moment. */
import { readFileSync, readlinkSync } from "node:fs"
import { declare } from "./foreign.ts"

const MADV_DONTNEED = 4

const madvise = declare("madvise", ["uintptr_t", "size_t", "int"])

/** Bytes of a page, as /proc/self/statm counts them: the only size on x86-64, the usual one on arm64. */
const page = 4096

/** Bytes of this process that are in memory, shared ones included. */
export const residentMemory = (): number => Number(readFileSync("/proc/self/statm", "utf8").split(" ")[1]) * page

/**
 * Collects garbage, and gives back the pages of the executable that were read to start it: they lie in the page cache, and
 * come from there when they are needed again (some milliseconds in all). Takes 10 to 20 ms, in which nothing else is done.
 * Never throws: where there is no descriptor to read its maps by (EMFILE), the pages stay until the next time.
 */
export const giveBackMemory = (): void => {
  const { Bun } = globalThis as { readonly Bun?: { readonly gc: (now: boolean) => void } }
  Bun?.gc(true)
  try {
    giveBackExecutable()
  } catch {}
}

const giveBackExecutable = (): void => {
  const executable = readlinkSync("/proc/self/exe")
  for (const line of readFileSync("/proc/self/maps", "utf8").split("\n")) {
    // Code, and the constants before it: nobody can write to either, so what is in their pages is what is in the file.
    const [, from, to] = /^([0-9a-f]+)-([0-9a-f]+) (?:r-xp|r--p 0+) /.exec(line) ?? []
    if (from === undefined || to === undefined || !line.endsWith(executable)) continue
    const start = BigInt(`0x${from}`)
    madvise(start, BigInt(`0x${to}`) - start, MADV_DONTNEED)
  }
}
