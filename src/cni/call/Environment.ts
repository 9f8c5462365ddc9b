/**
 * The environment of a call: which command needs which variable is a table. The order of evaluation is the Go
 * library's, bit for bit, since it decides which of several errors a caller sees.
 */
import * as Effect from "effect/Effect"
import { shorten } from "../../wire/foreign.ts"
import { isIdentifier, linkNameProblem } from "../identity/names.ts"
import { CniError, codes } from "./CniError.ts"

/** The commands that read a configuration; VERSION is the one that does not. */
export const configuredCommands = ["ADD", "DEL", "CHECK", "GC", "STATUS"] as const
export type ConfiguredCommand = (typeof configuredCommands)[number]

const isConfiguredCommand = (text: string): text is ConfiguredCommand =>
  (configuredCommands as ReadonlyArray<string>).includes(text)

/** An unknown command is an error only after the configuration's name has been read. */
export type Command = ConfiguredCommand | "VERSION" | { readonly unknown: string }

export interface Attachment {
  readonly containerID: string
  /** Path of the network namespace; may be empty for DEL. */
  readonly netns: string
  readonly ifname: string
}

export interface Environment {
  readonly command: Command
  /** Empty strings where the command has none. */
  readonly attachment: Attachment
  /** CNI_ARGS, unread. */
  readonly args: string
  /** The folders of CNI_PATH in their order. */
  readonly path: ReadonlyArray<string>
  /** CNI_NETNS_OVERRIDE: the container's namespace may be the plugin's own. */
  readonly netnsOverride: boolean
}

interface Variable {
  readonly name: string
  readonly requiredBy: ReadonlyArray<string>
  readonly check?: (value: string) => CniError | undefined
}

const invalid = (msg: string, details?: string): CniError =>
  new CniError({ code: codes.invalidEnvironment, msg, ...(details === undefined ? {} : { details }) })

const checkContainerID = (value: string): CniError | undefined =>
  isIdentifier(value) ? undefined : invalid("invalid characters in containerID", shorten(value, 200))

const checkIfname = (value: string): CniError | undefined => {
  const problem = linkNameProblem(value)
  return problem && invalid(problem.msg, problem.details)
}

const attaching = ["ADD", "CHECK", "DEL"]

/** In the order of evaluation. CNI_PATH is optional in the specification, but required by the Go library, hence here. */
const variables: ReadonlyArray<Variable> = [
  { name: "CNI_COMMAND", requiredBy: configuredCommands },
  { name: "CNI_CONTAINERID", requiredBy: attaching, check: checkContainerID },
  { name: "CNI_NETNS", requiredBy: ["ADD", "CHECK"] },
  { name: "CNI_IFNAME", requiredBy: attaching, check: checkIfname },
  { name: "CNI_PATH", requiredBy: configuredCommands }
]

/** The first value that is wrong, else all variables that are missing; empty and unset are the same. */
const problemOf = (env: Readonly<Record<string, string | undefined>>, command: string): CniError | undefined => {
  const missing: Array<string> = []
  for (const { name, requiredBy, check } of variables) {
    if (!requiredBy.includes(command)) {
      continue
    }
    const value = env[name]
    if (!value) {
      missing.push(name)
      continue
    }
    const problem = check?.(value)
    if (problem) {
      return problem
    }
  }
  return missing.length === 0 ? undefined : invalid(`required env variables [${missing.join(",")}] missing`)
}

/** An empty name is none. */
const foldersOf = (path: string): ReadonlyArray<string> => {
  const folders: Array<string> = []
  for (const folder of path.split(":")) {
    if (folder !== "") {
      folders.push(folder)
    }
  }
  return folders
}

const readCommand = (text: string): Command =>
  text === "VERSION" || isConfiguredCommand(text) ? text : { unknown: text }

/**
 * The environment of a call, or `undefined` where CNI_COMMAND is empty: then a person has started the program, and is
 * told what it is (`aboutText`).
 */
export const readEnvironment = (
  env: Readonly<Record<string, string | undefined>>
): Effect.Effect<Environment | undefined, CniError> => {
  const command = env["CNI_COMMAND"] ?? ""
  if (command === "") {
    return Effect.succeed(undefined)
  }
  const problem = problemOf(env, command)
  if (problem) {
    return Effect.fail(problem)
  }
  return Effect.succeed({
    command: readCommand(command),
    attachment: {
      containerID: env["CNI_CONTAINERID"] ?? "",
      netns: env["CNI_NETNS"] ?? "",
      ifname: env["CNI_IFNAME"] ?? ""
    },
    args: env["CNI_ARGS"] ?? "",
    path: foldersOf(env["CNI_PATH"] ?? ""),
    netnsOverride: ["1", "TRUE"].includes((env["CNI_NETNS_OVERRIDE"] ?? "").toUpperCase())
  })
}
