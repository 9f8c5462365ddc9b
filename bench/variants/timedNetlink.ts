/**
 * NetlinkService as src/live makes it, with a clock on what the kernel does: opening sockets, and
 * answering requests (the time within send(2) and recvfrom(2)).
 */
import { closeSync } from "node:fs"
import * as Effect from "effect/Effect"
import { makeChanges } from "../../src/live/netlink/linkEvents.ts"
import { openSocket, socketTransport } from "../../src/live/netlink/netlinkSocket.ts"
import { makeRtnetlink } from "../../src/live/netlink/rtnetlink.ts"
import type { Transport } from "../../src/live/netlink/Transport.ts"
import { attempt } from "../../src/live/system/attempt.ts"
import { LogService } from "../../src/services/LogService.ts"
import { NetlinkError, type NetlinkService } from "../../src/services/NetlinkService.ts"
import { spent } from "./spent.ts"

const timed = <A>(what: keyof typeof spent, step: () => A): A => {
  const began = performance.now()
  try {
    return step()
  } finally {
    spent[what] += performance.now() - began
  }
}

const timedTransport = (transport: Transport): Transport => ({
  timeLimit: transport.timeLimit,
  now: transport.now,
  send: (bytes) => timed("requests", () => transport.send(bytes)),
  receive: (wait) => timed("requests", () => transport.receive(wait))
})

export const makeNetlink = (): NetlinkService["Service"] => ({
  changes: makeChanges,
  connect: (netns) =>
    Effect.acquireRelease(
      attempt(
        () => timed("sockets", () => openSocket(netns)),
        (errno) => new NetlinkError({ operation: `open a netlink socket in ${netns.path}`, errno })
      ),
      (fd) => Effect.sync(() => closeSync(fd))
    ).pipe(
      Effect.flatMap((fd) =>
        Effect.map(LogService, ({ log }) => makeRtnetlink(timedTransport(socketTransport(fd)), log))
      )
    )
})
