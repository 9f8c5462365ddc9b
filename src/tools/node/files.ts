/** Looks at files that may not be there; `undefined` for what is not, an error only for what is and cannot be read. */
import { type Dirent, lstatSync, readdirSync, readFileSync, readlinkSync, type Stats, statSync } from "node:fs"

const absent = new Set(["ENOENT", "ENOTDIR"])

/** The file itself where it is a symbolic link, so that one that points nowhere is still seen. */
export const statLink = (path: string): Stats | undefined => look(() => lstatSync(path))

export const statFile = (path: string): Stats | undefined => look(() => statSync(path))

export const readText = (path: string): string | undefined => look(() => readFileSync(path, "utf8"))

/** Where a symbolic link points to. */
export const readTarget = (path: string): string | undefined => look(() => readlinkSync(path))

/** Sorted by name; empty where there is no such folder. */
export const readFolder = (path: string): ReadonlyArray<Dirent> =>
  (look(() => readdirSync(path, { withFileTypes: true })) ?? []).sort((a, b) => (a.name < b.name ? -1 : 1))

const look = <A>(step: () => A): A | undefined => {
  try {
    return step()
  } catch (error) {
    if (absent.has(errnoOf(error))) return undefined
    throw error
  }
}

/** `ENOENT`, `EACCES` …; the error itself in words where it has no symbol. */
export const errnoOf = (error: unknown): string => (error as NodeJS.ErrnoException | undefined)?.code ?? String(error)

/** `major:minor` from glibc's st_rdev: 12 bits of major above 8 of minor, the rest of both above. */
export const deviceNumber = ({ rdev }: Stats): string => {
  const number = BigInt(rdev)
  const major = ((number >> 8n) & 0xfffn) | ((number >> 32n) & ~0xfffn)
  return `${major}:${(number & 0xffn) | ((number >> 12n) & 0xffffff00n)}`
}
