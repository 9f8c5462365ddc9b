/** Whether a command exists at the configuration's version; order, codes and texts are the Go library's. */

import { quote, shorten } from "../../wire/foreign.ts"
import { CniError, codes } from "./CniError.ts"
import type { ConfiguredCommand } from "./Environment.ts"
import { atLeast, isSupported, newestVersion, parseVersion, supportedVersions, type VersionParts } from "./version.ts"

/** Commands that came after 0.1.0. */
const since: Readonly<Partial<Record<ConfiguredCommand, VersionParts>>> = {
  CHECK: [0, 4, 0],
  GC: [1, 1, 0],
  STATUS: [1, 1, 0]
}

const incompatible = (msg: string, details?: string): CniError =>
  new CniError({ code: codes.incompatibleVersion, msg, ...(details === undefined ? {} : { details }) })

/** The numeric comparison, which only the commands that came later make. */
const rangeProblem = (command: ConfiguredCommand, least: VersionParts, version: string): CniError | undefined => {
  const parts = parseVersion(version)
  if (typeof parts === "string") {
    return new CniError({ code: codes.decodingFailure, msg: parts })
  }
  if (!atLeast(parts, least)) {
    return incompatible(`config version does not allow ${command}`)
  }
  const newest = parseVersion(newestVersion) as VersionParts
  return atLeast(newest, parts) ? undefined : incompatible(`plugin version does not allow ${command}`)
}

/** What speaks against running the command with a configuration of this version. */
export const versionProblem = (command: ConfiguredCommand, version: string): CniError | undefined => {
  const least = since[command]
  const problem = least && rangeProblem(command, least, version)
  if (problem || isSupported(version)) {
    return problem
  }
  const supported = supportedVersions.map(quote).join(" ")
  return incompatible(
    "incompatible CNI versions",
    `config is ${quote(shorten(version, 80))}, plugin supports [${supported}]`
  )
}
