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
export const containerPlace = (host: Place) =>
  ConfigService.use(({ attachment, netnsOverride }) =>
    Effect.flatMap(placeAt(attachment.netns), (container) =>
      container.netns.id === host.netns.id && !netnsOverride
        ? Effect.fail(ownNetns(attachment.netns))
        : Effect.succeed(container)
    )
  )

const ownNetns = (path: string): CniError =>
  new CniError({
    code: codes.invalidNetns,
    msg: "plugin's netns and netns from CNI_NETNS should not be the same",
    details: `CNI_NETNS is "${path}": give the path of the container's network namespace`
  })

/** The namespace that the plugin was started in, the host's. */
export const hostPlace = NetnsService.use((netns) => Effect.flatMap(netns.current, placeIn))

/** The namespace at a path: CNI_NETNS, or one that GC found. */
export const placeAt = (path: string) => NetnsService.use((netns) => Effect.flatMap(netns.open(path), placeIn))

const placeIn = (netns: Netns) =>
  NetlinkService.use((netlink) => Effect.map(netlink.connect(netns), (route): Place => ({ netns, route })))
