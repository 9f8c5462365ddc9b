/** STATUS: whether an ADD could work now: the kernel has the kind, the node has the master and no broken policy, IPAM is ready. */
import * as Effect from "effect/Effect"
import { CniError, codes } from "../../cni/call/CniError.ts"
import { ipamForward } from "../addresses/ipam.ts"
import { ConfigService } from "../ConfigService.ts"
import { findParent } from "../link/parent.ts"
import { readPolicy } from "../link/permit.ts"
import { hostPlace } from "../link/place.ts"

export const status = Effect.gen(function* () {
  const { network, link } = yield* ConfigService
  const { route } = yield* hostPlace
  const { kind } = network.kind
  if (!(yield* route.kindExists(network.kind))) {
    return yield* new CniError({
      code: codes.notAvailable,
      msg: `this node's kernel has no ${kind} links`,
      details: `load the module ("modprobe ${kind}"), or use a kernel with CONFIG_${kind.toUpperCase()}`
    })
  }
  // With linkInContainer the master is the pod's, which there is none of yet; a device comes with its pod, too.
  const comesWithPod = link.linkInContainer || (link.master === undefined && network.kind.device !== undefined)
  if (!comesWithPod) {
    yield* findParent(route).pipe(
      Effect.catchTag("CniError", (error) => new CniError({ ...error, code: codes.notAvailable }))
    )
  }
  yield* readPolicy
  yield* ipamForward("STATUS")
})
