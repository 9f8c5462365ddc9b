/** DelegateService on the in-memory kernel: plugins are functions, answered for as processes are. */

import * as Effect from "effect/Effect"
import {
  type DelegateCall,
  type DelegateError,
  DelegateFailed,
  DelegateNotFound,
  DelegateService,
  DelegateUnusable
} from "../services/DelegateService.ts"
import { attempt } from "./attempt.ts"
import type { DelegatePlugin } from "./hostLocal.ts"
import type { Refusal } from "./kernel/Refusal.ts"
import type { Machine } from "./kernel/state.ts"

/** Plugins by type; installed in every folder of CNI_PATH, so that only an empty one has none. */
export type Plugins = ReadonlyMap<string, DelegatePlugin>

export const delegateMock = (machine: Machine, plugins: Plugins): DelegateService["Service"] => {
  const unusable =
    ({ type, path }: DelegateCall) =>
    ({ errno }: Refusal) =>
      new DelegateUnusable({ type, file: `${path[0] ?? ""}/${type}`, errno })

  const run = Effect.fnUntraced(function* (call: DelegateCall): Effect.fn.Return<string, DelegateError> {
    const { type, path } = call
    const answer = yield* attempt(() => {
      const plugin = path.length === 0 ? undefined : plugins.get(type)
      const reservations = machine.reservations.get(type) ?? []
      machine.reservations.set(type, reservations)
      return plugin?.(call, reservations)
    }, unusable(call))
    if (answer === undefined) return yield* new DelegateNotFound({ type, path })
    const { stdout, stderr = "", status = 0 } = answer
    if (status !== 0) return yield* new DelegateFailed({ type, status: `exit status ${status}`, stdout, stderr })
    return stdout
  })
  return DelegateService.of({ run })
}
