/** A place is a namespace with a route socket in it: where links are looked up, made and removed. */

import * as Effect from "effect/Effect"
import { CniError, codes } from "../../cni/call/CniError.ts"
import type { Netns } from "../../link/Netns.ts"
import { NetlinkService, type Rtnetlink } from "../../services/NetlinkService.ts"
import { NetnsService } from "../../services/NetnsService.ts"
import { ConfigService } from "../ConfigService.ts"

export interface Place {
  readonly netns: Netns
  readonly route: Rtnetlink
}

/**
 * CNI_NETNS. The plugin's own namespace is refused before any work (code 8): a link made there would be the host's, and
 * DEL would later look for links to delete among the host's own.
 */
export const containerPlace = Effect.fnUntraced(function* (host: Place) {
  const { attachment, netnsOverride } = yield* ConfigService
  const container = yield* placeAt(attachment.netns)
  if (container.netns.id === host.netns.id && !netnsOverride) {
    return yield* new CniError({
      code: codes.invalidNetns,
      msg: "plugin's netns and netns from CNI_NETNS should not be the same",
      details: `CNI_NETNS is "${attachment.netns}": give the path of the container's network namespace`
    })
  }
  return container
})

/** The namespace at a path: CNI_NETNS, or one that GC found. */
export const placeAt = (path: string) =>
  NetnsService.pipe(
    Effect.flatMap((netns) => netns.open(path)),
    Effect.flatMap(placeIn)
  )

const placeIn = (netns: Netns) =>
  NetlinkService.pipe(
    Effect.flatMap((netlink) => netlink.connect(netns)),
    Effect.map((route): Place => ({ netns, route }))
  )

/** The namespace that the plugin was started in, the host's. */
export const hostPlace = NetnsService.pipe(
  Effect.flatMap((netns) => netns.current),
  Effect.flatMap(placeIn)
)
