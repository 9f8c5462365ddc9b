/** Everything on the real kernel. */
import * as Context from "effect/Context"
import { CallerService } from "../services/CallerService.ts"
import { DelegateService } from "../services/DelegateService.ts"
import { LogOpener } from "../services/LogService.ts"
import { NetlinkService } from "../services/NetlinkService.ts"
import { NetnsService } from "../services/NetnsService.ts"
import { PolicyService } from "../services/PolicyService.ts"
import { ReservationService } from "../services/ReservationService.ts"
import { TapService } from "../services/TapService.ts"
import { makeReservation } from "./device/ReservationLive.ts"
import { makeTap } from "./device/TapLive.ts"
import { makeLogOpener } from "./log/LogLive.ts"
import { makeNetlink } from "./netlink/NetlinkLive.ts"
import { makeNetns } from "./netns/NetnsLive.ts"
import { makePolicy } from "./policy/PolicyLive.ts"
import { makeCaller, tellPeople } from "./process/CallerLive.ts"
import { makeDelegate } from "./process/DelegateLive.ts"
import { here, type Whereabouts } from "./whereabouts.ts"

export type LiveServices =
  | CallerService
  | DelegateService
  | LogOpener
  | NetlinkService
  | NetnsService
  | PolicyService
  | ReservationService
  | TapService

/**
 * The services of a process's own call, which acts where the process is. Plain values, since nothing of them has to be
 * opened or closed: building layers takes a cold process nearly a millisecond, one for each service nearly two.
 */
export const liveServices = (options: { readonly knowsAbsence: boolean }): Context.Context<LiveServices> =>
  servicesFor(makeCaller(options), tellPeople, here)

/** The services of a call by `caller`, whose log without a file goes to `stderr`, and which acts where `where` says. */
export const servicesFor = (
  caller: CallerService["Service"],
  stderr: (text: string) => void,
  where: Whereabouts
): Context.Context<LiveServices> =>
  Context.makeUnsafe<LiveServices>(
    new Map<string, unknown>([
      entry(CallerService, caller),
      entry(LogOpener, makeLogOpener(stderr, where.root)),
      entry(NetnsService, makeNetns(where)),
      entry(NetlinkService, makeNetlink(where)),
      entry(TapService, makeTap(where)),
      entry(PolicyService, makePolicy(where.root)),
      entry(ReservationService, makeReservation({ root: where.root })),
      entry(DelegateService, makeDelegate({ tell: caller.tell, where }))
    ])
  )

/** In one map: services that are added one by one are looked through one by one, at each step of a call. */
const entry = <I, S>({ key }: Context.Key<I, S>, service: S): readonly [string, S] => [key, service]
