/** The real services inside the test, so that something can be put around them, or the code that they serve be changed. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { makeReservation } from "../../../src/live/device/ReservationLive.ts"
import { type LiveServices, servicesFor } from "../../../src/live/layer.ts"
import { here } from "../../../src/live/whereabouts.ts"
import { NetnsService } from "../../../src/services/NetnsService.ts"
import { ReservationService } from "../../../src/services/ReservationService.ts"
import type { TestNetns } from "../netns.ts"

const silent = { answer: () => Effect.void, tell: () => Effect.void }

/** As a process in `host`'s namespace has them; `state` is the device plugin's folder. */
export const servicesIn = (host: TestNetns, state: string): Context.Context<LiveServices> => {
  const live = servicesFor(silent, () => {}, here)
  const netns = Context.get(live, NetnsService)
  return live.pipe(
    Context.add(NetnsService, { ...netns, current: Effect.orDie(netns.open(host.path)) }),
    Context.add(ReservationService, makeReservation({ stateFolder: state }))
  )
}
