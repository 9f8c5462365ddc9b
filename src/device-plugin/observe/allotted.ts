/** How many devices pods have, looked at when somebody asks. */
import * as Effect from "effect/Effect"
import { parseDeviceID } from "../../devices/deviceID.ts"
import { Kubelet } from "../kubelet/Kubelet.ts"
import { setAllotted } from "./metrics.ts"

/** To be used before each look at the figures. A resource that had devices once stays, at 0. */
export const refreshAllotted = Effect.map(Kubelet, ({ allotted }) => {
  const known = new Set<string>()
  return Effect.gen(function* () {
    const counts = new Map<string, number>([...known].map((resource) => [resource, 0]))
    for (const deviceID of (yield* allotted) ?? []) {
      const resource = parseDeviceID(deviceID)?.resource
      if (resource !== undefined) counts.set(resource, (counts.get(resource) ?? 0) + 1)
    }
    for (const [resource, count] of counts) {
      known.add(resource)
      yield* setAllotted(resource, count)
    }
  })
})
