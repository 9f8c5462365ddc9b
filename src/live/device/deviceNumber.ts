/** Device numbers as stat(2) has them. */
import type { Stats } from "node:fs"
import { formatDeviceNumber } from "../../wire/deviceNumber.ts"

/** Where something lies under a node's name that is no character device: it takes the name, but is never a tap. */
export const noDevice = "none"

/** `246:1`, or that it is no character device. */
export const deviceOf = (stats: Stats): string =>
  stats.isCharacterDevice() ? formatDeviceNumber(stats.rdev) : noDevice
