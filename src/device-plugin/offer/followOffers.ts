/** What the node offers, again whenever the configuration or its links have changed. */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { Link } from "../../link/Link.ts"
import { HardwareService } from "../../services/HardwareService.ts"
import type { Config } from "../config/Config.ts"
import { countError } from "../observe/metrics.ts"
import { makeOffers, type Offer, type Offers } from "./Offer.ts"

/** Says, once, which links are left out since their names lead to the ifindexes of another one's. */
export const followOffers = Effect.fn("offers")(function* (
  configs: Stream.Stream<Config>,
  links: Stream.Stream<ReadonlyArray<Link>>
) {
  const { hardwareOf } = yield* HardwareService
  return Stream.zipLatestWith(configs, links, (config, now) => makeOffers(config, now, hardwareOf)).pipe(
    Stream.mapAccum(
      () => "",
      (before, offers: Offers) => {
        const clashes = wordsOf(offers)
        return [clashes, [{ offers: offers.offers, clashes: clashes === before ? "" : clashes }]] as const
      }
    ),
    Stream.tap(({ clashes }) => (clashes === "" ? Effect.void : complain(clashes))),
    Stream.map(({ offers }): ReadonlyArray<Offer> => offers)
  )
})

const wordsOf = ({ clashes }: Offers): string =>
  clashes.map(({ name, with: other }) => `${name} (as ${other})`).join(", ")

const complain = (words: string) =>
  Effect.andThen(
    countError("config"),
    Effect.logError(`not offered, since their names lead to the same ifindexes as another link's: ${words}`)
  )
