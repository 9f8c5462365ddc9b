/** The services of one in-memory kernel, instead of those of the machine. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { DelegateService } from "../services/DelegateService.ts"
import { type Log, LogOpener, LogService } from "../services/LogService.ts"
import { NetlinkService } from "../services/NetlinkService.ts"
import { NetnsService } from "../services/NetnsService.ts"
import { PolicyService } from "../services/PolicyService.ts"
import { ReservationService } from "../services/ReservationService.ts"
import { TapService } from "../services/TapService.ts"
import { delegateMock } from "./DelegateMock.ts"
import { withFaults } from "./faults/layer.ts"
import type { Kernel } from "./Kernel.ts"
import { netlinkMock } from "./NetlinkMock.ts"
import { netnsMock } from "./NetnsMock.ts"
import { policyMock } from "./PolicyMock.ts"
import { reservationMock } from "./ReservationMock.ts"
import { tapMock } from "./TapMock.ts"

/** Requests are counted, and go wrong as `kernel.requests` says. Log lines of every level are kept in `kernel.logged`. */
export const mockLayer = ({
  machine,
  requests,
  plugins,
  logged
}: Kernel): Layer.Layer<
  NetlinkService | NetnsService | TapService | PolicyService | ReservationService | DelegateService | LogOpener
> => {
  const log: Log = { log: (level, line) => Effect.sync(() => void logged.push({ level, line: line() })) }
  return Layer.succeedContext(
    withFaults(
      requests,
      Context.make(NetlinkService, netlinkMock(machine)).pipe(
        Context.add(NetnsService, netnsMock(machine)),
        Context.add(TapService, tapMock(machine)),
        Context.add(ReservationService, reservationMock(machine)),
        Context.add(DelegateService, delegateMock(machine, plugins))
      )
    ).pipe(
      Context.add(PolicyService, policyMock(machine)),
      Context.add(LogService, log),
      Context.add(LogOpener, { open: () => Effect.succeed(log) })
    )
  )
}
