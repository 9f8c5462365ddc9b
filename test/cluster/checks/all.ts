/** Every check, in the order in which they run: what works, what is refused, then what breaks. */
import type { Check } from "./Check.ts"
import { messageChecks } from "./messages.ts"
import { networkChecks } from "./networks.ts"

export const checks: ReadonlyArray<Check> = [...networkChecks, ...messageChecks]
