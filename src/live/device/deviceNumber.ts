/** Device numbers as stat(2) has them, in the form in which sysfs writes them. */
import type { Stats } from "node:fs"

/** Where something lies under a node's name that is no character device: it takes the name, but is never a tap. */
export const noDevice = "none"

/** `major:minor` from glibc's st_rdev: 12 bits of major above 8 of minor, the rest of both above. */
export const deviceOf = (stats: Stats): string => {
  if (!stats.isCharacterDevice()) return noDevice
  const low = stats.rdev % 0x100000000
  const high = Math.floor(stats.rdev / 0x100000000)
  const major = ((low >>> 8) & 0xfff) + (high & 0xfffff000)
  const minor = (low & 0xff) + ((low >>> 12) & 0xfff00)
  return `${major}:${minor}`
}
