/**
 * A tap's number, by which it is opened. The kernel gives the lowest free one to a new link, even where a former link's
 * node is still in a container and opens whatever has the number now. So a pod gets no number that another may open.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { CniError, codes } from "../../cni/call/CniError.ts"
import { holdBackUnseen, type NoFreeNumber } from "../../devices/placeholders.ts"
import type { Netns } from "../../link/Netns.ts"
import { traced } from "../../observe/span.ts"
import type { NetlinkError } from "../../services/NetlinkService.ts"
import { type NetnsError, NetnsService } from "../../services/NetnsService.ts"
import { type Claim, type ReservationError, ReservationService } from "../../services/ReservationService.ts"
import type { DeviceNumber, TapError } from "../../services/TapService.ts"
import { ConfigService } from "../ConfigService.ts"
import { ownAlias } from "./own.ts"

/** Whom the number is for. */
export interface Taker {
  /** The device whose node it gets. */
  readonly deviceID?: string
  /** Writes down that the taker may open it; answers another's claim that is in the way. */
  readonly write: (
    number: DeviceNumber,
    over?: Claim
  ) => Effect.Effect<Claim | undefined, ReservationError, ReservationService>
}

/**
 * Takes the number; false where another may open it. Written down first and looked at afterwards: of two who come by the
 * same number, since the link of one is gone by now, at least one sees the other.
 */
export const takeNumber = Effect.fnUntraced(function* (number: DeviceNumber, taker: Taker) {
  // Of attachments one alone has a claim on a number: where this one's was made, no other's needs to be looked for.
  let of = taker.deviceID === undefined ? ("devices" as const) : undefined
  const inTheWay = yield* taker.write(number)
  if (inTheWay !== undefined) {
    if (!(yield* isOver(inTheWay))) return false
    if ((yield* taker.write(number, inTheWay)) !== undefined) return false
    of = undefined
  }
  if (!(yield* mayBeOpened(number, taker, of))) return true
  const alias = ownAlias(yield* ConfigService)
  yield* (yield* ReservationService).unclaim((other) => other === alias, number)
  return false
})

/** The attachment itself; its claim is taken back when the ADD fails. */
export const attachmentTaker = Effect.fnUntraced(function* (netns: Netns) {
  const alias = ownAlias(yield* ConfigService)
  const reservations = yield* ReservationService
  let written = false
  yield* Effect.addFinalizer((exit) =>
    Exit.isSuccess(exit) || !written ? Effect.void : Effect.ignore(reservations.unclaim((other) => other === alias))
  )
  const write: Taker["write"] = (number, over) =>
    Effect.suspend(() => {
      written = true
      return reservations.claim(number, { alias, netnsID: netns.id, netnsPath: netns.path }, over)
    })
  return { write } satisfies Taker
})

/** Until the scope ends, the next link gets a number that nobody else may open. */
export const keepNumbersBack = Effect.fnUntraced(
  function* (taker: Taker) {
    yield* holdBackUnseen((number) => mayBeOpened(number, taker))
  },
  Effect.catchTags({
    NetlinkError: (error) => noNumber(error),
    LinkNotFound: () => noNumber(undefined),
    NetnsError: (error) => noNumber(error),
    TapError: (error) => noNumber(error),
    NoFreeNumber: (error) => noNumber(error)
  }),
  traced("hold numbers back", { "held.back": true })
)

/** Whether another than the taker may open the number; or another device, where only those are asked for. */
export const mayBeOpened = Effect.fnUntraced(function* (
  number: DeviceNumber,
  taker: Pick<Taker, "deviceID">,
  of?: "devices"
) {
  for (const claim of yield* (yield* ReservationService).claims(number, of)) {
    if (yield* isOthers(claim, taker)) return true
  }
  return false
})

/** Whether the claim is another's, and not over. */
export const isOthers = Effect.fnUntraced(function* (claim: Claim, { deviceID }: Pick<Taker, "deviceID">) {
  if (claim.deviceID !== undefined) return claim.deviceID !== deviceID
  if (claim.attachment?.alias === ownAlias(yield* ConfigService)) return false
  return !(yield* isOver(claim))
})

/** A claim is over when the namespace of its attachment is no more: nobody is left in that pod. */
const isOver = Effect.fnUntraced(function* ({ attachment }: Claim) {
  if (attachment === undefined) return false
  const netns = yield* NetnsService
  const isThere = (path: string) =>
    netns.open(path).pipe(
      Effect.map(({ id }) => id === attachment.netnsID),
      Effect.catchTags({ NetnsNotFound: () => Effect.succeed(false), NotANetns: () => Effect.succeed(false) }),
      // One that cannot be opened may be it.
      Effect.catchTag("NetnsError", () => Effect.succeed(true)),
      Effect.scoped
    )
  if (yield* isThere(attachment.netnsPath)) return false
  for (const path of yield* netns.list) if (yield* isThere(path)) return false
  return true
})

/** The refusal to give the pod a tap that another may open. */
export const noNumber = (error: NetlinkError | NetnsError | TapError | NoFreeNumber | undefined): CniError =>
  new CniError({
    code: codes.tryAgainLater,
    msg: "another pod may still open the number of this tap, and no other number could be had",
    details:
      error === undefined
        ? "numbers are free again when the pods that had them have ended; try again"
        : error._tag === "NoFreeNumber"
          ? `${error.tried} numbers in a row are in question; try again when pods have ended`
          : `${error.operation}: ${error.errno}; try again`
  })
