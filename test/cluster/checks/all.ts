/** Every check, in the order in which they run: what works, what is refused, then what breaks. */
import type { Check } from "./Check.ts"
import { churnChecks } from "./churn.ts"
import { everything } from "./death/everything.ts"
import { firstKills, laterKills } from "./death/kills.ts"
import { afterReboot } from "./death/reboot.ts"
import { update } from "./death/update.ts"
import { lifeChecks } from "./life.ts"
import { manifestChecks, memoryChecks } from "./manifests.ts"
import { messageChecks } from "./messages.ts"
import { networkChecks } from "./networks.ts"
import { oldestChecks } from "./oldest.ts"
import { ruleChecks } from "./rules.ts"

export const checks: ReadonlyArray<Check> = [
  ...manifestChecks,
  ...networkChecks,
  ...messageChecks,
  ...ruleChecks,
  ...firstKills,
  update,
  ...laterKills,
  afterReboot,
  ...churnChecks,
  ...memoryChecks,
  ...lifeChecks,
  ...oldestChecks,
  everything
]
