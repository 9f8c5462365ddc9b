/** The protocol's versions: which there are, which command exists since when, and the answers that speak of them. */
import { show } from "../decode/show.ts"

/** Oldest first. */
export const supportedVersions = ["0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"] as const
export type CniVersion = (typeof supportedVersions)[number]
export const newestVersion: CniVersion = "1.1.0"

/** Only the exact text of a version counts: `1.1` is none. */
export const isSupported = (version: string): version is CniVersion =>
  (supportedVersions as ReadonlyArray<string>).includes(version)

/** The program's own version. */
export const pluginVersion = "0.1.0"

/** The answer to VERSION: the newest version of the library, not the one of the configuration, as runtimes know it. */
export const versionDocument = `${JSON.stringify({ cniVersion: newestVersion, supportedVersions })}\n`

/** What a person sees who starts the plugin without CNI_COMMAND; for stderr. */
export const aboutText = (program: string): string =>
  `CNI ${program} plugin version ${pluginVersion}\nCNI protocol versions supported: ${supportedVersions.join(", ")}\n`

/** Major, minor, micro; absent parts are 0. */
export type VersionParts = readonly [major: number, minor: number, micro: number]

const partNames = ["major", "minor", "micro"] as const

/** Go's strconv.Atoi: a sign and digits within 64 bits. Words on failure, as Go's. */
const atoi = (part: string): number | string => {
  const digits = /^[+-]?0*([0-9]+)$/.exec(part)?.[1]
  if (digits === undefined) {
    return `strconv.Atoi: parsing ${show(part)}: invalid syntax`
  }
  const tooLarge = digits.length > 19 || BigInt(digits) > (part.startsWith("-") ? 2n ** 63n : 2n ** 63n - 1n)
  return tooLarge ? `strconv.Atoi: parsing ${show(part)}: value out of range` : Number(part)
}

/** The numbers of a version text, or what is wrong with it in the Go library's words. Empty text is 0.1.0. */
export const parseVersion = (version: string): VersionParts | string => {
  const parts = version === "" ? ["0", "1"] : version.split(".")
  if (parts.length > 3) {
    return `invalid version ${show(version)}: too many parts`
  }
  const numbers: [number, number, number] = [0, 0, 0]
  for (const [index, part] of parts.entries()) {
    const number = atoi(part)
    if (typeof number === "string") {
      return `failed to convert ${partNames[index]} version part ${show(part)}: ${number}`
    }
    numbers[index] = number
  }
  return numbers
}

/** Whether `version` is `other` or newer. */
export const atLeast = (version: VersionParts, other: VersionParts): boolean => {
  const different = version.findIndex((part, index) => part !== other[index])
  return different === -1 || (version[different] ?? 0) > (other[different] ?? 0)
}

/** Whether results are nothing but addresses, with no word of interfaces: those of 0.1.0 and 0.2.0. */
export const knowsNoInterfaces = (cniVersion: string): boolean => cniVersion === "0.1.0" || cniVersion === "0.2.0"
