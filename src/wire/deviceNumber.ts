/** Device numbers in the form in which sysfs writes them. */

/** `major:minor` from glibc's st_rdev: 12 bits of major above 8 of minor, the rest of both above. */
export const formatDeviceNumber = (rdev: number): string => {
  const low = rdev % 0x100000000
  const high = Math.floor(rdev / 0x100000000)
  const major = ((low >>> 8) & 0xfff) + (high & 0xfffff000)
  const minor = (low & 0xff) + ((low >>> 12) & 0xfff00)
  return `${major}:${minor}`
}
