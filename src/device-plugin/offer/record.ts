/** What ADD is told of the offers, written down before any of them is made to the kubelet. */
import { readFileSync } from "node:fs"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import {
  decodeResources,
  encodeResources,
  type Resource,
  type Resources,
  resourcesFile
} from "../../devices/resources.ts"
import { writeResources } from "../../devices/writeResources.ts"
import { type Offer, toResources } from "./Offer.ts"

export interface Written {
  /** What the file says now. */
  readonly resources: Resources
  /** Why it does not say what it should. */
  readonly failure?: string
}

/** The file of a state folder; only written when what it says is to change. */
export const makeRecord = (stateFolder: string) => {
  const read = (): Resources => {
    try {
      return Result.getOrElse(decodeResources(readFileSync(resourcesFile(stateFolder), "utf8")), () => ({}))
    } catch {
      return {}
    }
  }
  return {
    write: (offers: ReadonlyArray<Offer>): Effect.Effect<Written> =>
      Effect.sync(() => {
        const resources = toResources(offers)
        const now = read()
        if (encodeResources(now) === encodeResources(resources)) return { resources }
        try {
          writeResources(stateFolder, resources)
          return { resources }
        } catch (error) {
          const code = (error as NodeJS.ErrnoException).code ?? String(error)
          return { resources: read(), failure: `${resourcesFile(stateFolder)} cannot be written: ${code}` }
        }
      })
  }
}

const sameDevices = (one: Resource | undefined, other: Resource | undefined): boolean =>
  one?.lowerDevice === other?.lowerDevice && one?.mode === other?.mode && one?.standalone === other?.standalone

/**
 * The offers as they may be made while the file says `resources`: ADD would make a link on another lower device, or none,
 * for those of which it says something else. Such a one is not begun, and one that is running is unhealthy meanwhile.
 */
export const agreed = (
  offers: ReadonlyArray<Offer>,
  resources: Resources,
  isRunning: (name: string) => boolean
): ReadonlyArray<Offer> => {
  const wanted = toResources(offers)
  return offers.flatMap((offer) => {
    if (sameDevices(resources[offer.name], wanted[offer.name])) return [offer]
    return isRunning(offer.name) ? [{ ...offer, present: false }] : []
  })
}
