/** Hearing of changes in a folder that may not be there yet, may be removed, and may be made anew. No polling. */
import { type FSWatcher, statSync, watch } from "node:fs"
import { dirname } from "node:path"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"

/** Which file lies at the path: another one of the same name has another identity, even with the same inode number. */
export const identityOf = (path: string): string | undefined => {
  try {
    const { dev, ino, birthtimeNs } = statSync(path, { bigint: true })
    return `${dev}:${ino}:${birthtimeNs}`
  } catch {
    return undefined
  }
}

interface Place {
  readonly path: string
  readonly identity: string
}

/** The folder itself, or the next one above it that exists: there its coming is heard of. */
const nearest = (folder: string): Place => {
  const identity = identityOf(folder)
  if (identity !== undefined) return { path: folder, identity }
  const above = dirname(folder)
  return above === folder ? { path: folder, identity: "" } : nearest(above)
}

const same = (one: Place, other: Place): boolean => one.path === other.path && one.identity === other.identity

/** inotify is exhausted (ENOSPC: fs.inotify.max_user_watches), or the folder went between the look and the watch. */
const retryDelay = 1000
/**
 * Milliseconds after which everything is told once more. A file is truncated and then written, and Bun takes the second of
 * two equal events within a millisecond for the first one's echo: who looks at once may see the file empty.
 */
const echoDelay = 50

/**
 * Emits at first, and whenever something in the folder has come or gone or may have changed, at once and shortly after.
 * Who gets it has to look; one who is slow is told once for many changes.
 */
export const watchFolder = (folder: string): Stream.Stream<void> =>
  Stream.callback(
    (queue: Queue.Enqueue<void>) =>
      Effect.acquireRelease(
        Effect.sync(() => {
          let watcher: FSWatcher | undefined
          let retry: ReturnType<typeof setTimeout> | undefined
          let place: Place | undefined
          let echo: ReturnType<typeof setTimeout> | undefined
          let closed = false
          const tell = (): void => {
            Queue.offerUnsafe(queue, undefined)
            clearTimeout(echo)
            echo = setTimeout(() => Queue.offerUnsafe(queue, undefined), echoDelay)
          }
          const close = (): void => {
            watcher?.close()
            watcher = undefined
            clearTimeout(retry)
          }
          const open = (): void => {
            close()
            if (closed) return
            place = nearest(folder)
            try {
              watcher = watch(place.path, look)
              watcher.on("error", () => {
                place = undefined
                look()
              })
            } catch {
              place = undefined
              retry = setTimeout(open, retryDelay)
            }
            // What changed before the watch began was not heard of.
            if (place !== undefined && !same(place, nearest(folder))) open()
            else tell()
          }
          const look = (): void => {
            if (closed) return
            if (place === undefined || !same(place, nearest(folder))) open()
            else tell()
          }
          open()
          return () => {
            closed = true
            clearTimeout(echo)
            close()
          }
        }),
        (close) => Effect.sync(close)
      ),
    { bufferSize: 1, strategy: "sliding" }
  )
