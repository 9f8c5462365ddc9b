/** NetnsService on the in-memory kernel. */

import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Netns } from "../link/Netns.ts"
import { NetnsError, NetnsNotFound, NetnsService, NotANetns } from "../services/NetnsService.ts"
import { attempt } from "./attempt.ts"
import {
  closeDescriptor,
  findNetns,
  hostPaths,
  listNetnses,
  makeNetns,
  netnsOfDescriptor,
  openDescriptor
} from "./kernel/namespaces.ts"
import { type Refusal, refuse } from "./kernel/Refusal.ts"
import type { Machine, NetnsState } from "./kernel/state.ts"
import { settle } from "./network/autoconf.ts"
import { readSysctl, writeSysctl } from "./network/sysctls.ts"

const error =
  (operation: string, path: string) =>
  ({ errno }: Refusal): NetnsError =>
    new NetnsError({ operation, path, errno })

/** Locked by the caller, once whoever else had it is done. */
const taken = (machine: Machine, netns: Netns): Effect.Effect<NetnsState> =>
  Effect.suspend(() => {
    const state = netnsOfDescriptor(machine, netns.fd)
    if (machine.locked.has(state)) return Effect.andThen(Effect.yieldNow, taken(machine, netns))
    machine.locked.add(state)
    return Effect.succeed(state)
  })

/** Descriptors count among the open handles until their scope closes. */
export const netnsMock = (machine: Machine): NetnsService["Service"] => {
  const held = <E>(opening: Effect.Effect<Netns, E>): Effect.Effect<Netns, E, Scope.Scope> =>
    Effect.acquireRelease(opening, ({ fd }) => Effect.sync(() => closeDescriptor(machine, fd)))

  const handle = (path: string, state: NetnsState): Netns => ({
    path,
    fd: openDescriptor(machine, state),
    id: state.id
  })

  const openError =
    (path: string) =>
    (refusal: Refusal): NetnsNotFound | NotANetns | NetnsError => {
      const found = machine.files.get(path)
      if (refusal.errno === "ENOENT" || refusal.errno === "ENOTDIR") return new NetnsNotFound({ path })
      return refusal.errno === "ENOTTY" && found !== undefined
        ? new NotANetns({ path, found })
        : error("open", path)(refusal)
    }

  return NetnsService.of({
    current: held(attempt(() => handle("/proc/self/ns/net", machine.host), error("open", hostPaths[0] ?? ""))),
    open: (path) =>
      held(
        attempt(() => {
          if (machine.files.has(path)) refuse("ENOTTY")
          return handle(path, findNetns(machine, path) ?? refuse("ENOENT"))
        }, openError(path))
      ),
    fresh: held(
      attempt(
        () => {
          const state = makeNetns(++machine.lastInode)
          machine.netnses.add(state)
          return handle("a new namespace", state)
        },
        error("unshare", hostPaths[0] ?? "")
      )
    ),
    list: attempt(() => listNetnses(machine), error("readdir", "/run/netns")),
    lock: (netns) =>
      Effect.asVoid(
        Effect.acquireRelease(taken(machine, netns), (state) => Effect.sync(() => machine.locked.delete(state)), {
          interruptible: true
        })
      ),
    sysctlGet: (netns, key) =>
      attempt(() => readSysctl(netnsOfDescriptor(machine, netns.fd), key), error(`sysctl ${key}`, netns.path)),
    sysctlSet: (netns, key, value) =>
      attempt(
        () => {
          writeSysctl(netnsOfDescriptor(machine, netns.fd), key, value)
          settle(machine)
        },
        error(`sysctl -w ${key}=${value}`, netns.path)
      )
  })
}
