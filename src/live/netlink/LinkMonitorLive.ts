/** LinkMonitor on the kernel. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"
import type { Link } from "../../link/Link.ts"
import { AF_UNSPEC, RTM_DELLINK, RTM_NEWLINK } from "../../netlink/constants.ts"
import { decodeLink } from "../../netlink/link.ts"
import { decode } from "../../netlink/message.ts"
import { LinkMonitor, type LinkView } from "../../services/LinkMonitor.ts"
import { NetlinkService } from "../../services/NetlinkService.ts"
import { NetnsService } from "../../services/NetnsService.ts"
import { type EventOptions, operation, readDatagram, subscribe } from "./linkEvents.ts"

/** Changes `links` as the datagram says; whether it said anything of a link. */
const apply = (links: Map<number, Link>, datagram: Uint8Array): boolean => {
  let changed = false
  for (const { type, body } of decode(datagram)) {
    // A port that joins or leaves a bridge is told in the same words, with AF_BRIDGE: it is no new link, nor a lost one.
    if ((type !== RTM_NEWLINK && type !== RTM_DELLINK) || body[0] !== AF_UNSPEC) continue
    const link = decodeLink(body)
    if (link === undefined) continue
    if (type === RTM_NEWLINK) links.set(link.index, link)
    else links.delete(link.index)
    changed = true
  }
  return changed
}

/** Links of the namespace that the process is in. */
export const linkMonitorLive = (
  options: EventOptions = {}
): Layer.Layer<LinkMonitor, never, NetlinkService | NetnsService> =>
  Layer.effect(
    LinkMonitor,
    Effect.gen(function* () {
      const namespaces = yield* NetnsService
      const netlink = yield* NetlinkService

      /** One subscription, until the kernel drops events. Subscribed first, looked at afterwards: nothing is missed. */
      const follow = Effect.fnUntraced(function* (show: (links: ReadonlyArray<Link>) => Effect.Effect<unknown>) {
        const netns = yield* namespaces.current
        const fd = yield* subscribe(netns, options)
        const route = yield* netlink.connect(netns)
        const links = new Map((yield* route.linkList).map((link) => [link.index, link]))
        const buffer = new Uint8Array(65536)
        while (true) {
          yield* show([...links.values()].sort((a, b) => a.index - b.index))
          while (!apply(links, buffer.subarray(0, yield* readDatagram(fd, buffer))));
        }
      }, Effect.scoped)

      return LinkMonitor.of({
        views: Stream.callback(
          Effect.fnUntraced(function* (queue: Queue.Enqueue<LinkView>) {
            let overruns = 0
            const untilOverrun = Effect.catchIf(
              follow((links) => Queue.offer(queue, { links, overruns })),
              (error) => error._tag === "NetlinkError" && error.operation === operation && error.errno === "ENOBUFS",
              () => Effect.sync(() => void overruns++)
            )
            return yield* Effect.forever(untilOverrun)
          }),
          { bufferSize: 1, strategy: "sliding" }
        )
      })
    })
  )
