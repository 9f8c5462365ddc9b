/** The runtime's network configurations that name this plugin: read as a call would read them. */
import { join } from "node:path"
import * as Effect from "effect/Effect"
import { readCniArgs } from "../../cni/call/CniArgs.ts"
import { readLinkConf } from "../../cni/config/LinkConf.ts"
import { readNetConf } from "../../cni/config/NetConf.ts"
import { errnoOf, readFolder, readText } from "../node/files.ts"
import { type Finding, fine, note, type Site, wrong } from "./Finding.ts"

/** A network of this plugin that was read, and the master that it names. */
export interface Network {
  readonly file: string
  readonly name: string
  readonly master?: string
}

const check = "CNI configuration"

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** The configurations in a document as libcni hands them to plugins: a list's entries get its name and version. */
const entries = (document: unknown): ReadonlyArray<Readonly<Record<string, unknown>>> => {
  if (!isObject(document)) return []
  if (!Array.isArray(document["plugins"])) return [document]
  const { name, cniVersion } = document
  return document["plugins"].filter(isObject).map((plugin) => ({ ...plugin, name, cniVersion }))
}

const readOne = Effect.fnUntraced(function* (file: string, entry: Readonly<Record<string, unknown>>) {
  const conf = yield* readNetConf("macvtap", "ADD", JSON.stringify(entry))
  const link = yield* readLinkConf(conf, yield* readCniArgs(""))
  return { file, name: conf.name, ...(link.master === undefined ? {} : { master: link.master }) } satisfies Network
})

export interface Configurations {
  readonly findings: ReadonlyArray<Finding>
  readonly networks: ReadonlyArray<Network>
}

const parse = (file: string): { readonly document: unknown } | { readonly problem: string } => {
  try {
    return { document: JSON.parse(readText(file) ?? "") }
  } catch (error) {
    return { problem: error instanceof SyntaxError ? error.message : errnoOf(error) }
  }
}

/** A file that is no JSON is told whoever it belongs to: a runtime may stop at it. */
export const configurations = Effect.fnUntraced(function* ({ root, configurations: folder }: Site) {
  const path = join(root, folder)
  const files = readFolder(path).filter(({ name }) => /\.(conf|conflist|json)$/.test(name))
  const findings: Array<Finding> = []
  const networks: Array<Network> = []
  for (const file of files.map(({ name }) => join(path, name))) {
    const read = parse(file)
    if ("problem" in read) {
      findings.push(wrong(check, `${file} is not JSON: ${read.problem}`, "correct it: a runtime may stop at this file"))
      continue
    }
    for (const entry of entries(read.document).filter(({ type }) => type === "macvtap")) {
      const network = yield* readOne(file, entry).pipe(
        Effect.catch(({ msg, details }) => {
          findings.push(wrong(check, `${file}: ${msg}`, details ?? "correct the file"))
          return Effect.succeed(undefined)
        })
      )
      if (network !== undefined) networks.push(network)
    }
  }
  for (const { file, name } of networks) findings.push(fine(check, `${file}: network "${name}" is well-formed`))
  if (findings.length === 0) {
    findings.push(note(check, `${path} names no network of this plugin; those of Multus are kept in the cluster`))
  }
  return { findings, networks } satisfies Configurations
})
