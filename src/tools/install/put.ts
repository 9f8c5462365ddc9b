/** One of our programs, put where a runtime looks for it. */
import { dirname } from "node:path"
import * as Effect from "effect/Effect"
import { FileSystem } from "effect/FileSystem"
import { pluginVersion } from "../../cni/call/version.ts"
import { ToolError } from "../../command/Command.ts"
import { statLink } from "../node/files.ts"
import { askProgram, type Program } from "../node/program.ts"
import { makeTemporary } from "../node/temporaries.ts"
import { copyFile, putInPlace, removeBeside, sameContent, told } from "./copy.ts"

const executableMode = 0o755

/** The new file does not run here, or is not this version. */
export class Unfit extends ToolError {
  readonly why: string
  constructor(to: string, program: Program) {
    const why = `the new file is ${described(program)}, and not version ${pluginVersion}`
    super({ problem: `cannot install ${to}: beside it, ${why}`, advice: "what was there is untouched" })
    this.why = why
  }
}

/** What was done, in words: `up to date`, `version 0.1.0 installed`. */
export const put = Effect.fn("put")(function* (from: string, to: string, kind: "Ours" | "Client") {
  const present = statLink(to)
  if (present?.isDirectory() === true) {
    return yield* new ToolError({
      problem: `cannot write ${to}: a folder is there`,
      advice: "remove it, or choose another --name"
    })
  }
  const version = `version ${pluginVersion}${kind === "Client" ? " of the client" : ""}`
  if (present?.isFile() === true && (yield* told(to, sameContent(from, to)))) {
    if ((present.mode & 0o7777) === executableMode) return `up to date (${version})`
    yield* told(to, (yield* FileSystem).chmod(to, executableMode))
    return `up to date (${version}); its mode is 0755 again`
  }
  const before = present === undefined ? undefined : yield* askProgram(to)
  yield* replace(from, to, kind, tries)
  return `${version} installed${before === undefined ? "" : ` in place of ${described(before)}`}`
})

export const described = (program: Program): string => {
  switch (program._tag) {
    case "Ours":
      return `version ${program.version}`
    case "Client":
      return `version ${program.version} of the client`
    case "Other":
      return "another program"
    case "Broken":
      return `a file that cannot be run (${program.why})`
  }
}

/** How often to begin again where another installation, at work in the same folder, took our file for a killed one's. */
const tries = 3

/** Writes the file beside, checks it, and renames it over; at any end nothing is left beside. */
const replace = Effect.fnUntraced(function* (
  from: string,
  to: string,
  kind: "Ours" | "Client",
  left: number
): Effect.fn.Return<void, ToolError | Unfit, FileSystem> {
  const beside = makeTemporary(dirname(to))
  let vanished = false
  const work = Effect.gen(function* () {
    yield* told(to, copyFile(from, beside, executableMode))
    yield* checkVersion(beside, to, kind)
    yield* told(to, putInPlace(beside, to))
  }).pipe(
    Effect.onError(() =>
      Effect.sync(() => {
        vanished = statLink(beside) === undefined && statLink(dirname(to)) !== undefined
      })
    ),
    Effect.ensuring(removeBeside(beside))
  )
  yield* work.pipe(
    Effect.catch((error) => (vanished && left > 1 ? replace(from, to, kind, left - 1) : Effect.fail(error)))
  )
})

/** The new file has to run here, and to be this version, before it takes the place of one that works. */
const checkVersion = Effect.fnUntraced(function* (file: string, to: string, kind: "Ours" | "Client") {
  const program = yield* askProgram(file)
  if (program._tag !== kind || program.version !== pluginVersion) return yield* Effect.fail(new Unfit(to, program))
})
