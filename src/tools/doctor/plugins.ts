/** Whether a runtime finds the plugin, and whether what it finds works. */
import { join } from "node:path"
import * as Effect from "effect/Effect"
import { pluginVersion } from "../../cni/call/version.ts"
import { readFolder, statFile } from "../node/files.ts"
import { askProgram } from "../node/program.ts"
import { type Finding, fine, note, type Site, wrong } from "./Finding.ts"

const check = "CNI plugin"

const look = Effect.fnUntraced(function* (path: string, folder: string) {
  const again = `put it there again with "macvtap install --to ${folder}"`
  const stats = statFile(path)
  if (stats?.isFile() !== true) return wrong(check, `${path} is no file`, `remove it, then ${again}`)
  const program = yield* askProgram(path)
  switch (program._tag) {
    case "Broken":
      return wrong(check, `${path} cannot be run: ${program.why}`, again)
    case "Other":
      return wrong(check, `${path} is another program, such as kubevirt/macvtap-cni's`, again)
    case "Ours":
      if ((stats.mode & 0o022) !== 0) return wrong(check, `${path} can be written by others than its owner`, again)
      return program.version === pluginVersion
        ? fine(check, `${path} is version ${program.version}`)
        : note(check, `${path} is version ${program.version}, this is ${pluginVersion}`, again)
  }
})

export const plugins = Effect.fnUntraced(function* ({ root, plugins: folders }: Site) {
  const there = folders.map((folder) => join(root, folder)).filter((folder) => statFile(folder)?.isDirectory() === true)
  if (there.length === 0) {
    return [wrong(check, `there is no folder of CNI plugins (${folders.join(", ")})`, "name it with --cni-bin")]
  }
  const findings: Array<Finding> = []
  for (const folder of there) {
    if (readFolder(folder).some(({ name }) => name === "macvtap")) {
      findings.push(yield* look(join(folder, "macvtap"), folder))
    }
  }
  return findings.length > 0
    ? findings
    : [wrong(check, `there is no plugin "macvtap" in ${there.join(", ")}`, `run "macvtap install --to ${there[0]}"`)]
})
