/**
 * What the runtimes of a node remember of its attachments: libcni keeps a document for each, from ADD to DEL, in which it has
 * the call's configuration, CNI_ARGS and result. Every runtime that uses libcni has them, Multus its own. Root's alone, so
 * that unlike a link's alias no container can change them.
 */
import { join } from "node:path"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { encodeAlias, type LinkOwner } from "../../cni/identity/alias.ts"
import { kindByName } from "../../link/kinds.ts"
import { readFolder } from "../node/files.ts"
import { type DocumentKind, decodeDocument, decodeValue, readDocument } from "./document.ts"

/** Below the node's root: libcni's own folder, and that of Multus (its `cniDir`). */
export const recordFolders = ["var/lib/cni/results", "var/lib/cni/multus/results"]

export interface Pod {
  readonly namespace?: string
  readonly name: string
  readonly uid?: string
}

export interface Record extends LinkOwner {
  readonly file: string
  /** As the runtime wrote it; undefined where neither it nor the result says where the link is. */
  readonly netns?: string
  /** None where the runtime has none (podman, by hand). */
  readonly pod?: Pod
  /** Whether it is of a plugin that makes one of our kinds, ours or another's. */
  readonly ofOurKinds: boolean
}

export interface Records {
  readonly records: ReadonlyArray<Record>
  /** Documents that make no sense: file, key and what is wrong. */
  readonly problems: ReadonlyArray<string>
}

/** Everything that the runtimes remember on the node whose files are below `root`. */
export const readRecords = (root: string): Records => {
  const records: Array<Record> = []
  const problems: Array<string> = []
  for (const folder of recordFolders.map((below) => join(root, below))) {
    for (const file of readFolder(folder).map(({ name }) => join(folder, name))) {
      const read = readRecord(file)
      if (Result.isFailure(read)) problems.push(`${file} ${read.failure}`)
      else if (read.success !== undefined) records.push(read.success)
    }
  }
  return { records, problems }
}

/** The record of the attachment with the alias, if any. An alias can hold abbreviated parts, hence the comparison of aliases. */
export const recordOf = ({ records }: Records, owner: LinkOwner): Record | undefined => {
  const alias = encodeAlias(owner)
  return records.find((record) => encodeAlias(record) === alias)
}

/** libcni's `cachedInfo`; of the result only what tells where the link is. Before libcni 0.7.1 the cache held results alone. */
const CachedInfo = Schema.Struct({
  kind: Schema.Literal("cniCacheV1"),
  networkName: Schema.NonEmptyString,
  containerId: Schema.NonEmptyString,
  ifName: Schema.NonEmptyString,
  /** Since libcni 1.2. */
  netns: Schema.optionalKey(Schema.String),
  config: Schema.optionalKey(Schema.NullOr(Schema.String)),
  cniArgs: Schema.optionalKey(Schema.NullOr(Schema.Array(Schema.Tuple([Schema.String, Schema.String])))),
  result: Schema.optionalKey(Schema.Unknown)
})

const cached = {
  complaint: "is no record of an attachment",
  // A configuration and a result of the largest size that a plugin takes, in base64, and some more.
  longest: 4 * 1024 * 1024,
  bounds: { parts: 200_000, depth: 64 },
  schema: Schema.Record(Schema.String, Schema.Unknown)
}

/** undefined for what is no record of a newer libcni. */
const readRecord = (file: string): Result.Result<Record | undefined, string> =>
  readDocument(file, cached).pipe(
    Result.flatMap((document) =>
      document?.["kind"] === undefined
        ? Result.succeed(undefined)
        : Result.map(decodeValue(document, { ...cached, schema: CachedInfo }), (info) => makeRecord(file, info))
    )
  )

const makeRecord = (file: string, document: typeof CachedInfo.Type): Record => {
  const { networkName: network, containerId: containerID, ifName: ifname, cniArgs, config, result } = document
  const pod = podOf(new Map(cniArgs ?? []))
  const netns = document.netns ?? sandboxOf(result, ifname)
  return {
    file,
    network,
    containerID,
    ifname,
    ofOurKinds: typesOf(config ?? "").some((type) => kindByName(type) !== undefined),
    ...(netns === undefined || netns === "" ? {} : { netns }),
    ...(pod === undefined ? {} : { pod })
  }
}

const podOf = (args: ReadonlyMap<string, string>): Pod | undefined => {
  const [namespace, name, uid] = ["K8S_POD_NAMESPACE", "K8S_POD_NAME", "K8S_POD_UID"].map((key) => args.get(key) ?? "")
  if (!name) return undefined
  return { name, ...(namespace ? { namespace } : {}), ...(uid ? { uid } : {}) }
}

const Interfaces = Schema.Struct({
  interfaces: Schema.Array(Schema.Struct({ name: Schema.String, sandbox: Schema.optionalKey(Schema.String) }))
})
const decodeInterfaces = Schema.decodeUnknownResult(Interfaces)

const sandboxOf = (result: unknown, ifname: string): string | undefined =>
  decodeInterfaces(result).pipe(
    Result.map(({ interfaces }) => interfaces.find(({ name, sandbox }) => name === ifname && sandbox)?.sandbox),
    Result.getOrUndefined
  )

const types: DocumentKind<{ readonly type?: string; readonly plugins?: ReadonlyArray<{ readonly type: string }> }> = {
  complaint: "is no configuration",
  longest: 0,
  schema: Schema.Struct({
    type: Schema.optionalKey(Schema.String),
    plugins: Schema.optionalKey(Schema.Array(Schema.Struct({ type: Schema.String })))
  })
}

/** The plugins that a configuration names, a list's included. */
const typesOf = (config: string): ReadonlyArray<string> =>
  decodeDocument(Buffer.from(config, "base64").toString(), types).pipe(
    Result.map(({ type, plugins = [] }) => [...(type === undefined ? [] : [type]), ...plugins.map((one) => one.type)]),
    Result.getOrElse(() => [])
  )
