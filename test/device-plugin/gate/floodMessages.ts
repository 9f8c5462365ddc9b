/** Requests as the kubelet would encode them, of any size. */
import { AllocateRequest, PreferredAllocationRequest } from "../../../src/device-plugin/api/v1beta1.ts"

export const allocate = (...devicesIds: Array<string>): Uint8Array =>
  AllocateRequest.encode({ containerRequests: [{ devicesIds }] }).finish()

export const prefer = (count: number): Uint8Array =>
  PreferredAllocationRequest.encode({
    containerRequests: [
      {
        availableDeviceIDs: Array.from({ length: count }, (_, n) => `dataplaneMvp${n}`),
        mustIncludeDeviceIDs: [],
        allocationSize: count
      }
    ]
  }).finish()
