/** Everything on the real kernel. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { DelegateService } from "../services/DelegateService.ts"
import { LogService } from "../services/LogService.ts"
import { NetlinkService } from "../services/NetlinkService.ts"
import { NetnsService } from "../services/NetnsService.ts"
import { ReservationService } from "../services/ReservationService.ts"
import { TapService } from "../services/TapService.ts"
import { makeReservation } from "./device/ReservationLive.ts"
import { makeTap } from "./device/TapLive.ts"
import { type LogOptions, makeLog, stderrLog } from "./log/LogLive.ts"
import { makeNetlink } from "./netlink/NetlinkLive.ts"
import { makeNetns } from "./netns/NetnsLive.ts"
import { makeDelegate } from "./process/DelegateLive.ts"
import { here, type Whereabouts } from "./whereabouts.ts"

export type LiveServices =
  | DelegateService
  | LogService
  | NetlinkService
  | NetnsService
  | ReservationService
  | TapService

const servicesWith = (
  log: LogService["Service"],
  { stderr }: LogOptions,
  where: Whereabouts
): Context.Context<LiveServices> =>
  Context.make(LogService, log).pipe(
    Context.add(NetnsService, makeNetns(where)),
    Context.add(NetlinkService, makeNetlink(log, where)),
    Context.add(TapService, makeTap(where.root)),
    Context.add(ReservationService, makeReservation({ root: where.root })),
    Context.add(DelegateService, makeDelegate({ stderr, where }))
  )

/** The services of one call; its words for people go to `options`. */
export const liveLayer = (options: LogOptions, where: Whereabouts = here): Layer.Layer<LiveServices> =>
  Layer.effectContext(Effect.map(makeLog({ ...options, root: where.root }), (log) => servicesWith(log, options, where)))

/**
 * The same, as plain values where there is nothing to open and to close: building layers takes a cold process nearly a
 * millisecond, one for each service nearly two.
 */
export const liveMachine = (
  options: LogOptions,
  where: Whereabouts = here
): Layer.Layer<LiveServices> | Context.Context<LiveServices> =>
  options.file === undefined ? servicesWith(stderrLog(options), options, where) : liveLayer(options, where)
