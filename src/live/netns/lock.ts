/**
 * One at a time in a namespace: flock(2) on the nsfs file. It is the same file for whoever is in the namespace, whatever
 * folders, mounts and chroots he sees; nothing is left when the holder is killed; and nothing has to be made for it.
 */
import { closeSync, constants, openSync } from "node:fs"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Netns } from "../../link/Netns.ts"
import { NetnsError } from "../../services/NetnsService.ts"
import { attempt } from "../system/attempt.ts"
import { flock, O_CLOEXEC } from "../system/libc.ts"

/** Milliseconds before the next try: what is done under the lock takes about one, but many may wait for it. */
const pauseAfter = (tries: number): number => (1 + Math.random()) * Math.min(2 ** tries, 16)
/** Milliseconds after which whoever holds it is not one of us, or hangs. */
const patience = 10_000

/** Waits without a thread: flock(2) that waits would stop all others of this process. */
export const lock = (netns: Netns): Effect.Effect<void, NetnsError, Scope.Scope> => {
  const refused = (errno: string) => new NetnsError({ operation: "flock", path: netns.path, errno })
  const deadline = Date.now() + patience
  const take = (fd: number, tries = 0): Effect.Effect<void, NetnsError> =>
    attempt(() => void flock(fd), refused).pipe(
      Effect.catch((error) =>
        error.errno !== "EAGAIN"
          ? Effect.fail(error)
          : Date.now() > deadline
            ? Effect.fail(refused("ETIMEDOUT"))
            : Effect.andThen(Effect.sleep(pauseAfter(tries)), take(fd, tries + 1))
      )
    )
  // Opened anew: a lock belongs to the open file, and a handle may be shared.
  return Effect.acquireRelease(
    attempt(() => openSync(`/proc/self/fd/${netns.fd}`, constants.O_RDONLY | O_CLOEXEC), refused),
    (fd) => Effect.sync(() => closeSync(fd))
  ).pipe(Effect.flatMap((fd) => take(fd)))
}
