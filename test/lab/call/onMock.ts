/** One CNI call on the in-memory kernel. */
import type * as Effect from "effect/Effect"
import type { Kernel } from "../../../src/mock/Kernel.ts"
import { mockLayer } from "../../../src/mock/layer.ts"
import { type Answer, callWith, type Deliver, type Invocation } from "./inProcess.ts"

export type { Answer, Invocation } from "./inProcess.ts"

export interface HostOptions {
  /** Takes it when left out. */
  readonly deliver?: Deliver
  /** The kernel's services; `mockLayer`'s when left out. */
  readonly machine?: ReturnType<typeof mockLayer>
}

export const callOn = (
  kernel: Kernel,
  invocation: Invocation,
  { deliver, machine = mockLayer(kernel) }: HostOptions = {}
): Effect.Effect<Answer> => callWith(machine, invocation, deliver)
