/** Every request to a service is counted, and the n-th can be made to go wrong: layer.ts does it. */

/** What befalls a request. */
export type Fault =
  /** It is refused, and has no effect. */
  | { readonly _tag: "Refused"; readonly errno: string }
  /** It has its effect, but its answer is lost: the caller hears of this errno. */
  | { readonly _tag: "Lost"; readonly errno: string }
  /** Its caller is interrupted, before the request has its effect or after. */
  | { readonly _tag: "Interrupted"; readonly moment: Moment }

export type Moment = "before" | "after"

export interface Requests {
  count: number
  /** What was asked, in order: `netlink linkAdd`, `tap node`. */
  readonly log: Array<string>
  /** By the request's number, from 1. */
  readonly faults: Map<number, Fault>
  hook: ((n: number, operation: string) => void) | undefined
}

export const makeRequests = (): Requests => ({ count: 0, log: [], faults: new Map(), hook: undefined })
