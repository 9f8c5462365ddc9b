/** The runtime's network configurations that name this plugin: read as a call would read them. */
import { join } from "node:path"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { readCniArgs } from "../../cni/call/CniArgs.ts"
import { readLinkConf } from "../../cni/config/LinkConf.ts"
import { readNetConf } from "../../cni/config/NetConf.ts"
import { readFolder } from "../node/files.ts"
import { decodeValue, readDocument } from "../records/document.ts"
import { type Finding, fine, note, type Site, wrong } from "./Finding.ts"

const check = "CNI configuration"

/** A network of this plugin that was read, and the master that it names. */
export interface Network {
  readonly file: string
  readonly name: string
  readonly master?: string
}

export interface Configurations {
  readonly findings: ReadonlyArray<Finding>
  readonly networks: ReadonlyArray<Network>
}

/** A file that is no configuration is told whoever it belongs to: a runtime may stop at it. */
export const configurations = Effect.fn("configurations")(function* ({ root, configurations: folder }: Site) {
  const path = join(root, folder)
  const files = readFolder(path).filter(({ name }) => /\.(conf|conflist|json)$/.test(name))
  const findings: Array<Finding> = []
  const networks: Array<Network> = []
  for (const file of files.map(({ name }) => join(path, name))) {
    const entries = readFile(file)
    if (Result.isFailure(entries)) {
      findings.push(wrong(check, `${file} ${entries.failure}`, "correct it: a runtime may stop at this file"))
      continue
    }
    for (const entry of entries.success.filter(({ type }) => type === "macvtap")) {
      const { finding, network } = yield* readNetwork(file, entry)
      findings.push(finding)
      if (network !== undefined) networks.push(network)
    }
  }
  if (findings.length === 0) {
    findings.push(note(check, `${path} names no network of this plugin; those of Multus are kept in the cluster`))
  }
  return { findings, networks } satisfies Configurations
})

type Entry = Readonly<Record<string, unknown>>
const Entry = Schema.Record(Schema.String, Schema.Unknown)
const List = Schema.Struct({
  name: Schema.optionalKey(Schema.String),
  cniVersion: Schema.optionalKey(Schema.String),
  plugins: Schema.Array(Entry)
})

const configuration = {
  complaint: "is no network configuration",
  // What a plugin reads of its stdin.
  longest: 1024 * 1024,
  schema: Entry
}

/** The configurations in a file as libcni hands them to plugins: a list's entries get its name and version. */
const readFile = (file: string): Result.Result<ReadonlyArray<Entry>, string> =>
  readDocument(file, configuration).pipe(
    Result.flatMap((document) => {
      if (document?.["plugins"] === undefined) return Result.succeed(document === undefined ? [] : [document])
      return Result.map(decodeValue(document, { ...configuration, schema: List }), ({ name, cniVersion, plugins }) =>
        plugins.map((plugin) => ({ ...plugin, name, cniVersion }))
      )
    })
  )

interface ReadNetwork {
  readonly finding: Finding
  readonly network?: Network
}

const readNetwork = (file: string, entry: Entry): Effect.Effect<ReadNetwork> =>
  Effect.gen(function* () {
    const conf = yield* readNetConf("macvtap", "ADD", JSON.stringify(entry))
    const link = yield* readLinkConf(conf, yield* readCniArgs(""))
    const network = { file, name: conf.name, ...(link.master === undefined ? {} : { master: link.master }) }
    const says = `${file}: network "${conf.name}"`
    return link.master === undefined && link.deviceID === undefined && !takesDeviceID(entry)
      ? { network, finding: wrong(check, `${says} ${withoutLink}`, remedy) }
      : { network, finding: fine(check, `${says} is well-formed`) }
  }).pipe(
    Effect.catch(({ msg, details }) =>
      Effect.succeed({ finding: wrong(check, `${file}: ${msg}`, details ?? "correct the file") })
    )
  )

const withoutLink = `has neither "master" nor "deviceID", and no capability "deviceID" by which a runtime would give it one: ADD refuses it`
const remedy = `name a link of this node as "master", or take a device of the device plugin's`

/** libcni fills in `runtimeConfig.deviceID` of a network that says it can take one. */
const takesDeviceID = ({ capabilities }: Entry): boolean =>
  typeof capabilities === "object" &&
  capabilities !== null &&
  "deviceID" in capabilities &&
  capabilities.deviceID === true
