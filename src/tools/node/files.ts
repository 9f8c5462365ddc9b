/** Looks at files that may not be there; `undefined` for what is not, an error only for what is and cannot be read. */
import { type Dirent, lstatSync, readdirSync, readlinkSync, type Stats, statSync } from "node:fs"
import * as Result from "effect/Result"
import { readBounded } from "../../devices/readBounded.ts"

const absent = new Set(["ENOENT", "ENOTDIR"])

/** The file itself where it is a symbolic link, so that one that points nowhere is still seen. */
export const statLink = (path: string): Stats | undefined => look(() => lstatSync(path))

export const statFile = (path: string): Stats | undefined => look(() => statSync(path))

/** Only of a regular file, of at most 4 MiB, and without waiting for anybody. */
export const readText = (path: string): string | undefined =>
  Result.getOrElse(readBounded(path, longestText), (problem) => {
    throw new Error(`${path} ${problem}`)
  })

const longestText = 4 * 1024 * 1024

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
