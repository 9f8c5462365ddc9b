/** Whether a runtime finds the plugin, and whether what it finds works. */
import { join } from "node:path"
import * as Effect from "effect/Effect"
import { pluginVersion } from "../../cni/call/version.ts"
import { readFolder, statFile } from "../node/files.ts"
import { askProgram, type Program } from "../node/program.ts"
import { standaloneName } from "../node/programs.ts"
import { type Finding, fine, note, type Site, wrong } from "./Finding.ts"

const check = "CNI plugin"

/** A client that a runtime finds. */
export interface Client {
  readonly path: string
  readonly version: string
  /** Where it looks for its agent, on the node. */
  readonly socket: string
  /** Whether it has what it becomes without an agent. */
  readonly standsAlone: boolean
}

export interface Plugins {
  readonly findings: ReadonlyArray<Finding>
  readonly clients: ReadonlyArray<Client>
}

export const plugins = Effect.fn("plugins")(function* ({ root, plugins: folders }: Site) {
  const there = folders.map((folder) => join(root, folder)).filter((folder) => statFile(folder)?.isDirectory() === true)
  if (there.length === 0) {
    const says = `there is no folder of CNI plugins (${folders.join(", ")})`
    return { findings: [wrong(check, says, "name it with --cni-bin")], clients: [] } satisfies Plugins
  }
  const seen: Array<Plugins> = []
  for (const folder of there) {
    if (readFolder(folder).some(({ name }) => name === "macvtap")) seen.push(yield* look(folder))
  }
  if (seen.length > 0) {
    return { findings: seen.flatMap((one) => one.findings), clients: seen.flatMap((one) => one.clients) }
  }
  const says = `there is no plugin "macvtap" in ${there.join(", ")}`
  return { findings: [wrong(check, says, `run "macvtap install --to ${there[0]}"`)], clients: [] } satisfies Plugins
})

const look = Effect.fnUntraced(function* (folder: string) {
  const path = join(folder, "macvtap")
  const again = `put it there again with "macvtap install --to ${folder}"`
  const stats = statFile(path)
  if (stats?.isFile() !== true) return alone(wrong(check, `${path} is no file`, `remove it, then ${again}`))
  const program = yield* askProgram(path)
  if (program._tag === "Broken") return alone(wrong(check, `${path} cannot be run: ${program.why}`, again))
  if (program._tag === "Other") {
    return alone(wrong(check, `${path} is another program, such as kubevirt/macvtap-cni's`, again))
  }
  if ((stats.mode & 0o022) !== 0) {
    return alone(wrong(check, `${path} can be written by others than its owner`, again))
  }
  if (program._tag === "Ours") return alone(aged(path, "", program.version, again))
  const { finding, standsAlone } = yield* lookBeside(folder, again)
  return {
    findings: [aged(path, "the client of ", program.version, again), finding],
    clients: [{ path, version: program.version, socket: program.socket, standsAlone }]
  } satisfies Plugins
})

const alone = (finding: Finding): Plugins => ({ findings: [finding], clients: [] })

/** What the client becomes where no agent answers. */
const lookBeside = Effect.fnUntraced(function* (folder: string, again: string) {
  const path = join(folder, standaloneName)
  const without = "without it a call needs the agent"
  if (statFile(path) === undefined) {
    return { standsAlone: false, finding: note(check, `${path} is not there: ${without}`, again) }
  }
  const program: Program = yield* askProgram(path)
  if (program._tag === "Ours") return { standsAlone: true, finding: aged(path, "", program.version, again) }
  const why = program._tag === "Broken" ? program.why : "it is another program"
  return { standsAlone: false, finding: note(check, `${path} is of no use here: ${why}; ${without}`) }
})

const aged = (path: string, what: string, version: string, again: string): Finding =>
  version === pluginVersion
    ? fine(check, `${path} is ${what}version ${version}`)
    : note(check, `${path} is ${what}version ${version}, this is ${pluginVersion}`, again)
