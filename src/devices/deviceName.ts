/** The names that kubevirt/macvtap-cni's device plugin gives its links. */
import { xxHash64 } from "../wire/xxHash64.ts"

/** `mvt` and the low 48 bits of the device ID's xxHash64 in 12 hex digits: 15 characters, whatever the ID's length. */
export const deviceName = (deviceID: string): string =>
  `mvt${BigInt.asUintN(48, xxHash64(deviceID)).toString(16).padStart(12, "0")}`

/** Whether a text has that form. */
export const isDeviceName = (name: string): boolean => /^mvt[0-9a-f]{12}$/.test(name)
