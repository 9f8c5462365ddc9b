/** A file put in its place as a whole: whoever looks there sees the old one or the new one, also after a crash. */
import { dirname } from "node:path"
import * as Effect from "effect/Effect"
import { FileSystem } from "effect/FileSystem"
import * as Option from "effect/Option"
import type { PlatformError } from "effect/PlatformError"
import * as Stream from "effect/Stream"
import { ToolError } from "../../command/Command.ts"
import { errnoOf, statFile, statLink } from "../node/files.ts"
import { makeTemporary } from "../node/temporaries.ts"

/** Bytes read at once. */
const chunk = 1024 * 1024

/** A new file with the content of `from`, complete on the disk, of that mode whatever the umask says. */
export const copyFile = Effect.fn("copyFile")(function* (from: string, to: string, mode: number) {
  const fs = yield* FileSystem
  const target = yield* fs.open(to, { flag: "wx", mode })
  yield* Stream.runForEach(fs.stream(from, { chunkSize: chunk }), (bytes) => target.writeAll(bytes))
  yield* fs.chmod(to, mode)
  yield* target.sync
}, Effect.scoped)

/** Gives an installed file a further name, without a further copy of it. False: it has that name already. */
export const linkInto = Effect.fn("linkInto")(function* (file: string, to: string) {
  const [has, wants] = [statLink(to), statLink(file)]
  if (has !== undefined && has.ino === wants?.ino && has.dev === wants.dev) return false
  const beside = makeTemporary(dirname(to))
  yield* (yield* FileSystem).link(file, beside)
  yield* Effect.ensuring(putInPlace(beside, to), removeBeside(beside))
  return true
})

/** Renames it over `to`, for good: the folder's entry is on the disk, so that the new name survives a loss of power. */
export const putInPlace = Effect.fn("putInPlace")(function* (beside: string, to: string) {
  const fs = yield* FileSystem
  yield* fs.rename(beside, to)
  yield* (yield* fs.open(dirname(to))).sync
}, Effect.scoped)

/** As good as it can be had: what made a copy fail (a read-only file system) may be in the way of its removal too. */
export const removeBeside = (beside: string): Effect.Effect<void, never, FileSystem> =>
  FileSystem.pipe(
    Effect.flatMap((fs) => fs.remove(beside, { force: true })),
    // The next installation removes it.
    Effect.ignore
  )

/** Whether both are regular files with the same bytes. */
export const sameContent = Effect.fn("sameContent")(function* (one: string, other: string) {
  const [a, b] = [statFile(one), statFile(other)]
  if (a === undefined || b === undefined || !b.isFile() || a.size !== b.size) return false
  if (a.ino === b.ino && a.dev === b.dev) return true
  const fs = yield* FileSystem
  const [left, right] = [yield* fs.open(one), yield* fs.open(other)]
  for (;;) {
    const [first, second] = [yield* left.readAlloc(chunk), yield* right.readAlloc(chunk)]
    if (Option.isNone(first) || Option.isNone(second)) return Option.isNone(first) && Option.isNone(second)
    if (!Buffer.from(first.value).equals(second.value)) return false
  }
}, Effect.scoped)

/** A file operation, whose failure is said of `path`. */
export const told = <A, R>(path: string, step: Effect.Effect<A, PlatformError, R>): Effect.Effect<A, ToolError, R> =>
  Effect.mapError(step, ({ reason }) => {
    const errno = errnoOf(reason.cause)
    const advice =
      errno === "ENOENT"
        ? "make the folder, or name the one where your runtime looks for CNI plugins with --to"
        : "what was there is untouched"
    return new ToolError({ problem: `cannot write ${path}: ${problemOf(errno, reason.cause)}`, advice })
  })

/** Node's errno of a failed copy, in words for the person at the node. */
const problemOf = (errno: string, error: unknown): string => {
  const { path, message } = (error ?? {}) as NodeJS.ErrnoException
  const at = path === undefined ? "" : ` (${path})`
  const words: Readonly<Record<string, string>> = {
    ENOSPC: "no space is left on its file system",
    EDQUOT: "the quota of its file system is used up",
    EROFS: "its file system is read-only",
    EACCES: `permission denied${at}`,
    EPERM: `not permitted${at}`,
    ENOENT: `it does not exist${at}`,
    EISDIR: "a folder is there"
  }
  return words[errno] ?? message ?? errno
}
