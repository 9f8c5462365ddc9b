/** Whose a device is: the pod's to which the kubelet gave it, whatever a network's configuration names. */
import * as Effect from "effect/Effect"
import { CniError, codes } from "../../cni/call/CniError.ts"
import { resourceDomain } from "../../devices/resources.ts"
import { ReservationService } from "../../services/ReservationService.ts"
import { quote } from "../../wire/foreign.ts"
import { ConfigService } from "../ConfigService.ts"

/** Refuses a device that the kubelet gave to another pod than this, or to none; where there is no kubelet it gave none. */
export const checkOwner = Effect.fnUntraced(function* (deviceID: string, resource: string) {
  const pods = yield* (yield* ReservationService).pods(deviceID)
  if (pods === "unknown") return
  const { podUid } = yield* ConfigService
  if (podUid !== undefined && pods.includes(podUid)) return
  const request = `${resourceDomain}/${resource}`
  if (pods.length > 0 && podUid === undefined) {
    return yield* refused(
      `device ${quote(deviceID)} belongs to a pod, and CNI_ARGS does not say which pod this is`,
      `K8S_POD_UID is missing, by which Multus and the runtime name the pod; ` +
        `where they cannot, start the device plugin with --no-owner-check`
    )
  }
  return yield* refused(
    `device ${quote(deviceID)} of resource ${request} was given to ${pods.length > 0 ? "another pod" : "no pod"}`,
    `a pod gets a device by requesting the resource (resources.limits of a container: "${request}": "1") and naming it ` +
      `in the annotation k8s.v1.cni.cncf.io/resourceName of the network attachment, whose configuration names no "deviceID"`
  )
})

/** Whether the device may be taken from this pod: nobody but its owner releases it. */
export const isOwners = Effect.fnUntraced(function* (deviceID: string) {
  const pods = yield* (yield* ReservationService).pods(deviceID)
  const { podUid } = yield* ConfigService
  // The kubelet may have forgotten a pod before its sandbox is gone.
  return pods === "unknown" || pods.length === 0 || (podUid !== undefined && pods.includes(podUid))
})

const refused = (msg: string, details: string) => new CniError({ code: codes.invalidConfig, msg, details })
