/**
 * Everything on the real kernel. Importing this file loads koffi and the C library: a command that needs no kernel
 * (VERSION) imports it not at all.
 */
import * as Layer from "effect/Layer"
import type { DelegateService } from "../services/DelegateService.ts"
import type { LogService } from "../services/LogService.ts"
import type { NetlinkService } from "../services/NetlinkService.ts"
import type { NetnsService } from "../services/NetnsService.ts"
import type { ReservationService } from "../services/ReservationService.ts"
import type { TapService } from "../services/TapService.ts"
import { delegateLive } from "./DelegateLive.ts"
import { type LogOptions, logLive } from "./LogLive.ts"
import { netlinkLive } from "./NetlinkLive.ts"
import { netnsLive } from "./NetnsLive.ts"
import { reservationLive } from "./ReservationLive.ts"
import { tapLive } from "./TapLive.ts"

export type LiveServices =
  | DelegateService
  | LogService
  | NetlinkService
  | NetnsService
  | ReservationService
  | TapService

/** The services of one call; its words for people go to `options`. */
export const liveLayer = (options: LogOptions): Layer.Layer<LiveServices> =>
  Layer.mergeAll(netnsLive, tapLive, reservationLive(), delegateLive({ stderr: options.stderr }), netlinkLive).pipe(
    Layer.provideMerge(logLive(options))
  )
