/** Every check, in the order in which they run: what works, what is refused, then what breaks. */
import type { Check } from "./Check.ts"
import { churnChecks } from "./churn.ts"
import { deathChecks } from "./death.ts"
import { manifestChecks, memoryChecks } from "./manifests.ts"
import { messageChecks } from "./messages.ts"
import { networkChecks } from "./networks.ts"

export const checks: ReadonlyArray<Check> = [
  ...manifestChecks,
  ...networkChecks,
  ...messageChecks,
  ...churnChecks,
  ...deathChecks,
  ...memoryChecks
]
