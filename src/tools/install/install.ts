/** `macvtap install`: the running executable put where container runtimes look for CNI plugins. */
import { chmodSync, rmSync } from "node:fs"
import { dirname, join } from "node:path"
import * as Effect from "effect/Effect"
import { pluginVersion } from "../../cni/call/version.ts"
import { makeCommand, ToolError, UsageError } from "../../command/Command.ts"
import { quote } from "../../wire/foreign.ts"
import { errnoOf, statFile, statLink } from "../node/files.ts"
import { askProgram, type Program } from "../node/program.ts"
import {
  copyProblem,
  executableMode,
  linkInto,
  makeTemporary,
  putInPlace,
  removeBeside,
  sameContent,
  temporaries,
  writeExecutable
} from "./copy.ts"

/** A file operation, whose failure is said of `path`. */
const attempt = <A>(path: string, step: () => A): Effect.Effect<A, ToolError> =>
  Effect.try({
    try: step,
    catch: (error) =>
      new ToolError({
        problem: `cannot write ${path}: ${copyProblem(error)}`,
        advice:
          errnoOf(error) === "ENOENT"
            ? "make the folder, or name the one where your runtime looks for CNI plugins with --to"
            : "what was there is untouched"
      })
  })

const described = (program: Program): string =>
  program._tag === "Ours"
    ? `version ${program.version}`
    : program._tag === "Other"
      ? "another program"
      : `a file that cannot be run (${program.why})`

/** The new file has to run here, and to be this version, before it takes the place of one that works. */
const checkVersion = Effect.fnUntraced(function* (file: string, to: string) {
  const program = yield* askProgram(file)
  if (program._tag === "Ours" && program.version === pluginVersion) return
  return yield* new ToolError({
    problem: `cannot install ${to}: beside it, the new file is ${described(program)}, and not version ${pluginVersion}`,
    advice: "what was there is untouched"
  })
})

const findExecutable = (executable: string | undefined): Effect.Effect<string, ToolError> =>
  executable !== undefined && statFile(executable)?.isFile() === true
    ? Effect.succeed(executable)
    : Effect.fail(
        new ToolError({
          problem: "there is no executable to install: these are the sources running",
          advice: `build it with "npm run build", then run "dist/macvtap install"`
        })
      )

/** How often to begin again where another installation, at work in the same folder, took our file for a killed one's. */
const tries = 3

/** Writes the file beside, checks it, and renames it over; at any end nothing is left beside. */
const replace = Effect.fnUntraced(function* (
  from: string,
  to: string,
  left: number
): Effect.fn.Return<void, ToolError> {
  let vanished = false
  const beside = makeTemporary(dirname(to))
  const work = Effect.gen(function* () {
    yield* attempt(to, () => writeExecutable(from, beside))
    yield* checkVersion(beside, to)
    yield* attempt(to, () => putInPlace(beside, to))
  }).pipe(
    Effect.onError(() =>
      Effect.sync(() => (vanished = statLink(beside) === undefined && statLink(dirname(to)) !== undefined))
    ),
    Effect.ensuring(Effect.sync(() => removeBeside(beside)))
  )
  yield* work.pipe(Effect.catch((error) => (vanished && left > 1 ? replace(from, to, left - 1) : Effect.fail(error))))
})

/** What was done, in words: `up to date`, `version 0.1.0 installed`. */
const put = Effect.fnUntraced(function* (from: string, to: string) {
  const present = statLink(to)
  if (present?.isDirectory() === true) {
    return yield* new ToolError({
      problem: `cannot write ${to}: a folder is there`,
      advice: "remove it, or choose another --name"
    })
  }
  if (present?.isFile() === true && (yield* attempt(to, () => sameContent(from, to)))) {
    if ((present.mode & 0o7777) === executableMode) return `up to date (version ${pluginVersion})`
    yield* attempt(to, () => chmodSync(to, executableMode))
    return `up to date (version ${pluginVersion}); its mode is 0755 again`
  }
  const before = present === undefined ? undefined : yield* askProgram(to)
  yield* replace(from, to, tries)
  return `version ${pluginVersion} installed${before === undefined ? "" : ` in place of ${described(before)}`}`
})

const checkNames = (names: ReadonlyArray<string>): Effect.Effect<void, UsageError> => {
  const wrong = names.find((name) => !/^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(name))
  return wrong === undefined
    ? Effect.void
    : Effect.fail(new UsageError({ problem: `${quote(wrong)} is no name for a plugin` }))
}

export const install = makeCommand({
  name: "install",
  summary: "put this executable where the container runtime looks for CNI plugins",
  description: [
    "Copies the running executable into the folder: written beside, run to see that it works, and renamed over, so " +
      "that a runtime never sees half a file. Does nothing where the same file is there already."
  ],
  options: {
    to: { type: "string", value: "DIR", path: true, default: "/opt/cni/bin", help: "the folder of the CNI plugins" },
    name: {
      type: "string",
      value: "NAME",
      default: "macvtap",
      help: `the plugin's name, the "type" of configurations`
    },
    also: {
      type: "string",
      multiple: true,
      value: "NAME",
      default: [],
      help: "a further name for the same file; as macvlan it makes macvlans, in place of the plugin of that name"
    }
  },
  run: Effect.fnUntraced(function* ({ to, name, also }, { executable, out }) {
    yield* checkNames([name, ...also])
    const from = yield* findExecutable(executable)
    if (statFile(to)?.isDirectory() !== true) {
      return yield* new ToolError({
        problem: `there is no folder ${to}`,
        advice: "name the folder where your runtime looks for CNI plugins with --to"
      })
    }
    for (const file of temporaries(to)) {
      yield* attempt(file, () => rmSync(file, { force: true }))
      yield* out(`${file}: removed, left by an installation that was stopped\n`)
    }
    const file = join(to, name)
    yield* out(`${file}: ${yield* put(from, file)}\n`)
    for (const other of also.filter((one) => one !== name)) {
      const link = join(to, other)
      const done = yield* attempt(link, () => linkInto(file, link))
      yield* out(`${link}: ${done ? `another name of ${name} now` : "up to date"}\n`)
    }
    return 0
  })
})
