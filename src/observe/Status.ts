/** How the daemon is: what `/healthz` tells. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

export interface Part {
  /** false: the daemon cannot do its work. That the kubelet or a link is not there is no fault of the daemon's. */
  readonly well: boolean
  readonly words: string
}

export class Status extends Context.Service<
  Status,
  {
    readonly set: (part: string, state: Part) => Effect.Effect<void>
    readonly remove: (part: string) => Effect.Effect<void>
    readonly all: Effect.Effect<ReadonlyMap<string, Part>>
  }
>()("macvtap-cni/observe/Status") {}

export const statusLive: Layer.Layer<Status> = Layer.sync(Status, () => {
  const parts = new Map<string, Part>()
  return {
    set: (part, state) => Effect.sync(() => void parts.set(part, state)),
    remove: (part) => Effect.sync(() => void parts.delete(part)),
    all: Effect.sync(() => new Map(parts))
  }
})
