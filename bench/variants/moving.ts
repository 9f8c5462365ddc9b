/**
 * The same link made the other way: created on the host under another name, then moved into the container, renamed and
 * set up, all in one request, which is the least that a plugin that moves has to ask for.
 */
import * as Effect from "effect/Effect"
import { makeNetlink as makeLiveNetlink } from "../../src/live/netlink/NetlinkLive.ts"
import type { Whereabouts } from "../../src/live/whereabouts.ts"
import type { NetlinkService, Rtnetlink } from "../../src/services/NetlinkService.ts"
import { makeNetlink as makeTimedNetlink } from "./timedNetlink.ts"

const moving = (route: Rtnetlink): Rtnetlink => ({
  ...route,
  linkAdd: (spec) => {
    const { netns, up, allmulti, promisc, ...born } = spec
    const { index, name } = spec
    if (netns === undefined || index === undefined) return route.linkAdd(spec)
    const flags = {
      ...(up === undefined ? {} : { up }),
      ...(allmulti === undefined ? {} : { allmulti }),
      ...(promisc === undefined ? {} : { promisc })
    }
    return Effect.andThen(
      route.linkAdd({ ...born, name: `bm${index.toString(36)}` }),
      route.linkSet(index, { ...flags, name, netns, newIndex: index }).pipe(
        Effect.catchTag("LinkNotFound", Effect.die),
        Effect.tapError(() => Effect.ignore(route.linkDel(index)))
      )
    )
  }
})

/** An agent waits for the kernel on other threads, as it does for the plugin's own way. */
export const makeNetlink = (where?: Whereabouts): NetlinkService["Service"] => {
  const netlink = where?.resident !== undefined ? makeLiveNetlink(where) : makeTimedNetlink()
  return { ...netlink, connect: (netns) => Effect.map(netlink.connect(netns), moving) }
}
