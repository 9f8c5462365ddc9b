/** The protocol's error: what a CNI runtime gets on stdout when a call fails, and what a cluster's user sees of it. */
import * as Data from "effect/Data"
import { escapeText, jsonText } from "../../wire/foreign.ts"

/** Error codes of the specification ("Error"), with 8 and 999 as the Go library has them; 100 and more are a plugin's own. */
export const codes = {
  incompatibleVersion: 1,
  unsupportedField: 2,
  unknownContainer: 3,
  invalidEnvironment: 4,
  ioFailure: 5,
  decodingFailure: 6,
  invalidConfig: 7,
  invalidNetns: 8,
  tryAgainLater: 11,
  notAvailable: 50,
  limitedConnectivity: 51,
  internal: 999
} as const

export class CniError extends Data.TaggedError("CniError")<{
  readonly code: number
  /** One line: what was asked, what is in the way, what would be right. */
  readonly msg: string
  /** More of it; runtimes print it after `msg`. */
  readonly details?: string
}> {
  override get message(): string {
    return this.details === undefined ? this.msg : `${this.msg}; ${this.details}`
  }
}

/**
 * The error object for stdout: indented by 4 spaces, without a trailing newline. `cniVersion` is in it because the
 * specification asks for it; the Go library leaves it out, and does not mind it. Whoever decodes it prints what it says on a
 * terminal or in a cluster's events, so that nothing in it may be more than text.
 */
export const errorDocument = ({ code, msg, details }: CniError, cniVersion: string): string =>
  jsonText({ cniVersion, code, msg: escapeText(msg), ...(details ? { details: escapeText(details) } : {}) }, 4)
