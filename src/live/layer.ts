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
import { makeDelegate } from "./DelegateLive.ts"
import { type LogOptions, makeLog } from "./LogLive.ts"
import { makeNetlink } from "./NetlinkLive.ts"
import { netns } from "./NetnsLive.ts"
import { makeReservation } from "./ReservationLive.ts"
import { tap } from "./TapLive.ts"

export type LiveServices =
  | DelegateService
  | LogService
  | NetlinkService
  | NetnsService
  | ReservationService
  | TapService

/**
 * The services of one call; its words for people go to `options`. One layer, since none of them has to be built but the
 * log: merging a layer of each takes a cold process a millisecond.
 */
export const liveLayer = (options: LogOptions): Layer.Layer<LiveServices> =>
  Layer.effectContext(
    Effect.map(makeLog(options), (log) =>
      Context.make(LogService, log).pipe(
        Context.add(NetnsService, netns),
        Context.add(NetlinkService, makeNetlink(log)),
        Context.add(TapService, tap),
        Context.add(ReservationService, makeReservation()),
        Context.add(DelegateService, makeDelegate({ stderr: options.stderr }))
      )
    )
  )
