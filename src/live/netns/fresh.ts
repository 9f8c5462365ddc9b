/** A new namespace, for as long as its scope. */
import { closeSync } from "node:fs"
import * as Effect from "effect/Effect"
import type { Netns } from "../../link/Netns.ts"
import { NetnsError } from "../../services/NetnsService.ts"
import { attempt } from "../system/attempt.ts"
import { identify, newNetns, ownNetns } from "./enter.ts"

const openFresh = (): Netns => {
  const fd = newNetns()
  return { path: "a new namespace", fd, id: identify(fd) }
}

/** NetnsService's `fresh`. */
export const fresh = Effect.acquireRelease(
  attempt(openFresh, (errno) => new NetnsError({ operation: "unshare", path: ownNetns, errno })),
  (netns) => Effect.sync(() => closeSync(netns.fd))
)
