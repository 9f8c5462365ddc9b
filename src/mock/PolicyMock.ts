/** PolicyService on the in-memory kernel: the text that a test gave it. */
import * as Effect from "effect/Effect"
import { PolicyService } from "../services/PolicyService.ts"
import type { Machine } from "./kernel/state.ts"

export const policyMock = (machine: Machine): PolicyService["Service"] =>
  PolicyService.of({ read: () => Effect.sync(() => machine.policy) })
