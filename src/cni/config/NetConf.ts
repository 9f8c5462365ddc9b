/**
 * The configuration as every command needs it. Order, codes and texts of its checks are the Go library's; what is only
 * needed to make a link is read elsewhere (`readLinkConf`), so that DEL cannot fail on it.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { kindByName, kinds } from "../../link/kinds.ts"
import type { LinkKind } from "../../link/LinkKind.ts"
import { macvtap } from "../../link/macvtap.ts"
import { CniError, codes } from "../call/CniError.ts"
import type { Command, ConfiguredCommand } from "../call/Environment.ts"
import { type Decoder, describeFault, type Fault, type JsonObject, member, struct } from "../decode/decode.ts"
import { absolutePath, checked, lenient, parsed, text } from "../decode/decoders.ts"
import { show } from "../decode/show.ts"
import { type AttachmentKey, decodeValidAttachments } from "./attachments.ts"
import { readDocument, readHeader } from "./header.ts"
import { type Ipam, ipam } from "./ipam.ts"
import { type LogLevel, logLevelWords, parseLogLevel } from "./logLevel.ts"
import { remembering } from "./remembering.ts"

export interface NetConf {
  readonly command: ConfiguredCommand
  /** One of the supported versions; 0.1.0 where the configuration has none. */
  readonly cniVersion: string
  readonly name: string
  /** What `type` names, else what the program is called, else macvtap. */
  readonly kind: LinkKind
  /** Absent where the network has no `ipam.type`. */
  readonly ipam?: Ipam
  /** An absolute path. */
  readonly logFile?: string
  readonly logLevel?: LogLevel
  /** For GC: the attachments that are to stay. Empty for other commands. */
  readonly validAttachments: ReadonlyArray<AttachmentKey>
  /**
   * The configuration, for the parts that only some commands read; prevResult is to be had below alone. Calls of one network
   * may share it, so nobody changes it.
   */
  readonly document: JsonObject
  /** As it was given, not decoded: of the plugin before this one in a chain (ADD), or ADD's (CHECK, DEL). */
  readonly prevResult: unknown
  /** The text as it was received, which is what a delegate gets. */
  readonly stdin: string
}

/** A part of the configuration by its table. */
export const decodeConfig = <A>(decoder: Decoder<A>, document: JsonObject): Result.Result<A, CniError> =>
  Result.mapError(decoder(document), invalidConfig)

/** Something in the configuration is not as it should be: code 7; names the key, the value, and what would be right. */
export const invalidConfig = (cause: Fault): CniError =>
  new CniError({ code: codes.invalidConfig, msg: `invalid configuration: ${describeFault(cause)}` })

/** What this plugin is called as a whole, and may be installed as; it is no kind's name. */
const pluginName = "macvtap-cni"

/**
 * A runtime runs the file that `type` names, so a type other than the program's name comes from a person or a wrapper: a
 * misspelt kind is then refused, or it would quietly become another. A program that has a kind's name says it all.
 */
const typeProblem = (program: string) => (type: string) =>
  type === program || type === pluginName || kindByName(type) !== undefined || kindByName(program) !== undefined
    ? undefined
    : `expected one of ${kinds.map(({ kind }) => kind).join(", ")}, got ${show(type)}`

/** What is left for all commands. DEL takes what it cannot read for absent: nothing can have been made by it. */
const settings = (program: string, command: ConfiguredCommand) => {
  const sort = command === "DEL" ? "DEL" : "others"
  const last = latest[sort]
  if (last?.program === program) return last.table
  const table = makeSettings(program, command === "DEL")
  latest[sort] = { program, table }
  return table
}

/** The last table of each sort: a node's calls are nearly all by one program. */
const latest: Partial<Record<"DEL" | "others", { readonly program: string; readonly table: Table }>> = {}
type Table = ReturnType<typeof makeSettings>

const makeSettings = (program: string, isDel: boolean) => {
  const when = <A>(decoder: Decoder<A | undefined>) => (isDel ? lenient(decoder) : decoder)
  return struct({
    type: when(checked(text, typeProblem(program))),
    ipam: when(ipam(program)),
    logFile: when(absolutePath),
    logLevel: when(parsed(parseLogLevel, logLevelWords))
  })
}

const kindOf = (type: string | undefined, program: string): LinkKind =>
  kindByName(type ?? "") ?? kindByName(program) ?? macvtap

/** Without what is one call's alone. */
type Network = Omit<NetConf, "validAttachments" | "prevResult" | "stdin">

const readNetwork = (program: string, command: Command, document: JsonObject): Result.Result<Network, CniError> =>
  Result.gen(function* () {
    const header = yield* readHeader(command, document)
    const { type, ...rest } = yield* decodeConfig(settings(program, header.command), document)
    return { ...header, ...rest, kind: kindOf(type, program), document }
  })

const readRemembered = remembering((program: string, command: ConfiguredCommand, text: string) =>
  readNetwork(program, command, JSON.parse(text))
)

/**
 * The network of a configuration, and its prevResult: apart, since without that a network's calls have the same text, as a
 * rule. A GC's has all its attachments in it.
 */
const readParts = (
  program: string,
  command: Command,
  document: JsonObject,
  stdin: string
): Result.Result<Pick<NetConf, "prevResult"> & Network, CniError> =>
  Result.gen(function* () {
    const { prevResult, ...common } = document
    const text = isOften(command) ? textOf(common, stdin) : undefined
    if (isOften(command) && text !== undefined) {
      const network = yield* readRemembered(program, command, text)
      // Of two spellings of the key the last one counts, and only the whole document tells which that is.
      const otherSpelling = member(network.document, "prevResult")
      if (otherSpelling === undefined || prevResult === undefined) {
        return { ...network, prevResult: prevResult ?? otherSpelling }
      }
    }
    return { ...(yield* readNetwork(program, command, document)), prevResult: member(document, "prevResult") }
  })

/** Those that a runtime makes for each pod. */
const isOften = (command: Command): command is "ADD" | "CHECK" | "DEL" =>
  command === "ADD" || command === "CHECK" || command === "DEL"

/**
 * A number beyond those that JSON writes (1.8e308; it is read as Infinity, and written as null), or what looks like one:
 * with fewer than 300 digits and one of an exponent there is none.
 */
const hugeNumber = /\d[eE]\+?\d\d|\d{300}/

/** Text that is read as the same document; undefined where there may be none. */
const textOf = (document: JsonObject, stdin: string): string | undefined => {
  if (hugeNumber.test(stdin)) return undefined
  try {
    return JSON.stringify(document)
  } catch {
    // Deeper than the engine writes, if not than it reads.
    return undefined
  }
}

/**
 * The configuration for a command, or the first thing that is wrong with it. `program` is the executable's file name.
 */
export const readNetConf = (program: string, command: Command, stdin: string): Effect.Effect<NetConf, CniError> =>
  Effect.fromResult(
    Result.gen(function* () {
      const document = yield* readDocument(stdin)
      const network = yield* readParts(program, command, document, stdin)
      const validAttachments = command === "GC" ? yield* decodeConfig(decodeValidAttachments, document) : []
      return { ...network, validAttachments, stdin }
    })
  )
