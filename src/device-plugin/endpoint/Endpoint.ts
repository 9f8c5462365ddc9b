/** One resource's endpoint: what is known of its socket, and what the kubelet knows of it. Times are in milliseconds. */
import type { KubeletFolder } from "../kubelet/Kubelet.ts"

/** What the kubelet knows of us. `socket` is its own, by its identity. */
type Registration =
  | { readonly _tag: "None" }
  | { readonly _tag: "Asked"; readonly socket: string }
  | { readonly _tag: "Known"; readonly socket: string; readonly at: number; readonly dialled: boolean }

export interface Endpoint {
  readonly folder: KubeletFolder
  readonly serving: "no" | "asked" | "yes"
  readonly streams: number
  readonly registration: Registration
  /** Registrations that were begun; the number of the last one. */
  readonly registrations: number
  /** In a row. */
  readonly failures: number
  /** Before that time nothing is tried again. */
  readonly notBefore: number
}

export const firstDelay = 100
export const longestDelay = 10_000
/** From a registration to the kubelet's ListAndWatch, which it calls at once; without one it has not taken us. */
export const dialLimit = 10_000
/** Another daemon has put its socket in our place: it is left alone for that long, lest the two take turns for ever. */
export const truce = 30_000

export const none: Registration = { _tag: "None" }

export const initial: Endpoint = {
  folder: { exists: false, socket: undefined },
  serving: "no",
  streams: 0,
  registration: none,
  registrations: 0,
  failures: 0,
  notBefore: 0
}

/** Whether the kubelet has taken the registration and watches our devices. */
export const isKnown = ({ registration }: Endpoint): boolean => registration._tag === "Known" && registration.dialled

/** When a Tick is due; undefined where only another event can change anything. */
export const alarm = ({ folder, serving, registration, notBefore }: Endpoint): number | undefined => {
  if (serving === "no") return folder.exists ? notBefore : undefined
  if (registration._tag === "Known") return registration.dialled ? undefined : registration.at + dialLimit
  return serving === "yes" && registration._tag === "None" && folder.socket !== undefined ? notBefore : undefined
}
