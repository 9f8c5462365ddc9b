/** NetlinkService on the kernel's own sockets. */
import { closeSync } from "node:fs"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { traced } from "../../observe/span.ts"
import { LogService } from "../../services/LogService.ts"
import { NetlinkError, NetlinkService } from "../../services/NetlinkService.ts"
import { held } from "../system/held.ts"
import { here, type Whereabouts } from "../whereabouts.ts"
import { openSocket, socketTransport } from "./netlinkSocket.ts"
import { makeRtnetlink } from "./rtnetlink.ts"

export const netlinkLive: Layer.Layer<NetlinkService> = Layer.sync(NetlinkService, () => makeNetlink())

/** Route sockets, closed with their scope. */
export const makeNetlink = ({ resident }: Whereabouts = here): NetlinkService["Service"] => ({
  connect: (netns) =>
    held(
      () => openSocket(netns),
      (errno) => new NetlinkError({ operation: `open a netlink socket in ${netns.path}`, errno }),
      closeSync
    ).pipe(
      traced(`enter ${netns.path} for a route socket`),
      Effect.flatMap((fd) => Effect.map(LogService, ({ log }) => makeRtnetlink(socketTransport(fd, resident), log)))
    ),
  // Only calls that wait for somebody pay for it.
  changes: (netns) =>
    Effect.flatMap(
      Effect.promise(() => import("./linkEvents.ts")),
      ({ makeChanges }) => makeChanges(netns)
    )
})
