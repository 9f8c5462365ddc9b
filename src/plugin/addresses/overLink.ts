/**
 * IPAM plugins that ask over the link itself: `dhcp`. Its link has to be up, and to have its carrier, before it is run: it
 * sets a link up that is not, sends at once into one that takes nothing yet, and tries again seconds later. But the kernel
 * announces addresses when a link goes up, so that they have to be announced once more when they are on it.
 */
import * as Effect from "effect/Effect"
import type { Link } from "../../link/Link.ts"
import { ConfigService } from "../ConfigService.ts"
import { goUp } from "../link/goUp.ts"
import type { Place } from "../link/place.ts"

/** Milliseconds. */
const poll = 2
/** Milliseconds: a master without a carrier has none for its links either, and must not hold the pod up for long. */
const carrierLimit = 500

/** Before IPAM. */
export const goUpForIpam = Effect.fnUntraced(function* (host: Place, container: Place, link: Link) {
  if ((yield* ConfigService).network.ipam?.overLink !== true) return
  yield* goUp(host, container, link)
  for (let waited = 0; waited < carrierLimit; waited += poll) {
    if ((yield* container.route.linkGet(link.index)).running) return
    yield* Effect.sleep(poll)
  }
})

/** After the addresses: the same MAC address once more is a change of it to arp_notify and ndisc_notify. */
export const announceAgain = Effect.fnUntraced(function* (container: Place, link: Link) {
  if ((yield* ConfigService).network.ipam?.overLink !== true || link.mac === undefined) return
  yield* container.route.linkSet(link.index, { mac: link.mac })
})
