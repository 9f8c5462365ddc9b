/** NetlinkService on the in-memory kernel. */

import * as Effect from "effect/Effect"
import type { LinkChange } from "../link/LinkSpec.ts"
import { LinkNotFound, NetlinkError, NetlinkService, type Rtnetlink } from "../services/NetlinkService.ts"
import { attempt } from "./attempt.ts"
import { setLink } from "./kernel/changeLink.ts"
import { addLink, deleteLink } from "./kernel/links.ts"
import { describeLink, findLink } from "./kernel/lookup.ts"
import { endIfUnheld, netnsOfDescriptor } from "./kernel/namespaces.ts"
import type { Refusal } from "./kernel/Refusal.ts"
import type { Machine, NetnsState } from "./kernel/state.ts"
import { addAddress, listAddresses, removeAddress } from "./network/addresses.ts"
import { addRoute, listRoutes, removeRoute } from "./network/routes.ts"

const error =
  (operation: string) =>
  ({ errno, extack }: Refusal): NetlinkError =>
    new NetlinkError({ operation, errno, ...(extack === undefined ? {} : { extack }) })

/** ENODEV of an operation on one link means that there is no such link. */
const errorOf =
  (operation: string, link: string | number) =>
  (refusal: Refusal): LinkNotFound | NetlinkError =>
    refusal.errno === "ENODEV" ? new LinkNotFound({ link }) : error(operation)(refusal)

const rtnetlink = (machine: Machine, netns: NetnsState): Rtnetlink => {
  const targetOf = ({ netns: target }: LinkChange) =>
    target === undefined ? undefined : netnsOfDescriptor(machine, target.fd)
  return {
    linkGet: (link) =>
      attempt(() => describeLink(machine, findLink(netns, link)), errorOf(`ip link show ${link}`, link)),
    linkList: attempt(
      () => Array.from(netns.links.values(), (link) => describeLink(machine, link)),
      error("ip link show")
    ),
    linkAdd: (spec) =>
      attempt(
        () => {
          const target = spec.netns === undefined ? netns : netnsOfDescriptor(machine, spec.netns.fd)
          addLink(machine, netns, target, spec)
        },
        error(`ip link add ${spec.name} type ${spec.kind.kind}`)
      ),
    linkSet: (index, change) =>
      attempt(() => setLink(machine, netns, index, change, targetOf(change)), errorOf(`ip link set ${index}`, index)),
    linkDel: (index) => attempt(() => deleteLink(machine, netns, index), errorOf(`ip link del ${index}`, index)),
    addressAdd: (index, address) =>
      attempt(
        () => addAddress(machine, netns, index, address),
        error(`ip addr add ${address.address}/${address.prefix} dev ${index}`)
      ),
    addressDel: (index, { address, prefix }) =>
      attempt(
        () => removeAddress(netns, index, address, prefix),
        error(`ip addr del ${address}/${prefix} dev ${index}`)
      ),
    addressList: (index) => attempt(() => listAddresses(machine, netns, index), error(`ip addr show dev ${index}`)),
    routeAdd: (route) => attempt(() => addRoute(netns, route), error(`ip route add ${route.dst}/${route.prefix}`)),
    routeDel: (route) => attempt(() => removeRoute(netns, route), error(`ip route del ${route.dst}/${route.prefix}`)),
    routeList: (filter) => attempt(() => listRoutes(netns, filter), error("ip route show table all")),
    netnsid: (other) =>
      attempt(() => netns.netnsids.get(netnsOfDescriptor(machine, other.fd)), error("ip netns list-id")),
    kindExists: (kind) => attempt(() => machine.kinds.has(kind.kind), error(`ip link add type ${kind.kind}`))
  }
}

/** Sockets count among the open handles until their scope closes, and keep their namespace alive. */
export const netlinkMock = (machine: Machine): NetlinkService["Service"] =>
  NetlinkService.of({
    connect: (netns) =>
      Effect.acquireRelease(
        attempt(() => {
          const state = netnsOfDescriptor(machine, netns.fd)
          state.references++
          machine.openSockets++
          return state
        }, error("connect")),
        (state) =>
          Effect.sync(() => {
            state.references--
            machine.openSockets--
            endIfUnheld(machine, state)
          })
      ).pipe(Effect.map((state) => rtnetlink(machine, state))),
    changes: () =>
      Effect.acquireRelease(
        Effect.sync(() => listen(machine)),
        ({ stop }) => Effect.sync(stop)
      ).pipe(Effect.map(({ next }) => next))
  })

/** Hears of changes in every namespace, which more than once waits for one that is of another. */
const listen = (machine: Machine) => {
  let heard = false
  let wake = () => {}
  const hear = () => {
    heard = true
    wake()
  }
  machine.listeners.add(hear)
  return {
    stop: () => void machine.listeners.delete(hear),
    next: Effect.callback<void>((resume) => {
      wake = () => {
        if (!heard) return
        heard = false
        wake = () => {}
        resume(Effect.void)
      }
      wake()
    })
  }
}
