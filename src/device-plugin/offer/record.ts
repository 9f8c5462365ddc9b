/** What ADD is told of the offers, written down before any of them is made to the kubelet. */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { encodeKubelet, type KubeletFacts, kubeletFile } from "../../devices/kubeletFile.ts"
import { readBounded } from "../../devices/readBounded.ts"
import {
  decodeResources,
  encodeResources,
  type Resource,
  type Resources,
  resourcesFile
} from "../../devices/resources.ts"
import { writeKubelet, writeResources } from "../../devices/writeResources.ts"
import { type Offer, toResources } from "./Offer.ts"

export interface Written {
  /** What the file says now. */
  readonly resources: Resources
  /** Why it does not say what it should. */
  readonly failure?: string
}

/** The files of a state folder; only written when what they say is to change. */
export const makeRecord = (stateFolder: string, kubelet: KubeletFacts) => ({
  write: (offers: ReadonlyArray<Offer>): Effect.Effect<Written> =>
    Effect.sync(() => {
      const resources = toResources(offers)
      try {
        if (readText(kubeletFile(stateFolder)) !== encodeKubelet(kubelet)) writeKubelet(stateFolder, kubelet)
        if (encodeResources(readResources(stateFolder)) !== encodeResources(resources)) {
          writeResources(stateFolder, resources)
        }
        return { resources }
      } catch (error) {
        const code = (error as NodeJS.ErrnoException).code ?? String(error)
        const failure = `${resourcesFile(stateFolder)} cannot be written: ${code}`
        return { resources: readResources(stateFolder), failure }
      }
    })
})

/** Bytes: 1000 resources, and more than a configuration can ask for. */
const longest = 1024 * 1024

const readText = (file: string): string => Result.getOrElse(readBounded(file, longest), () => "") ?? ""

const readResources = (stateFolder: string): Resources =>
  Result.getOrElse(decodeResources(readText(resourcesFile(stateFolder))), () => ({}))

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
