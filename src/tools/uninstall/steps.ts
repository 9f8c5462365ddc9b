/** What `macvtap uninstall` takes away, one thing a step. */
import { join } from "node:path"
import * as Effect from "effect/Effect"
import { FileSystem } from "effect/FileSystem"
import { type Surroundings, ToolError } from "../../command/Command.ts"
import { NetlinkService } from "../../services/NetlinkService.ts"
import { NetnsService } from "../../services/NetnsService.ts"
import { describeFailure } from "../failure.ts"
import { errnoOf, readFolder, statLink } from "../node/files.ts"
import type { FoundLink } from "../node/inventory.ts"
import { isStaleNode } from "../node/leftovers.ts"
import { askProgram } from "../node/program.ts"

/** One thing to take away. `take` fails with what is said of it. */
export interface Step {
  readonly what: string
  readonly take: Effect.Effect<void, ToolError, NetlinkService | NetnsService | FileSystem>
}

/** Looked at once more, since an ADD may have made it anew. */
export const removeNode = (path: string): Step => {
  const { what, take } = remove(`node ${path}`, path)
  return { what, take: Effect.suspend(() => (isStaleNode(path) ? take : Effect.void)) }
}

export const removeLink = ({ link, netns }: FoundLink): Step => ({
  what: `link ${link.name} of ${netns}${link.alias === undefined ? "" : ` (${link.alias})`}`,
  take: Effect.gen(function* () {
    const open = yield* (yield* NetnsService).open(netns)
    const route = yield* (yield* NetlinkService).connect(open)
    const now = yield* route.linkGet(link.index)
    // Somebody may have made another one since.
    if (now.alias === link.alias && now.kind === link.kind && now.name === link.name) yield* route.linkDel(link.index)
  }).pipe(
    Effect.scoped,
    Effect.catchTag(["LinkNotFound", "NetnsNotFound", "NotANetns"], () => Effect.void),
    Effect.catchTag(["NetlinkError", "NetnsError"], (error) => Effect.fail(describeFailure(error)))
  )
})

/** A program of ours and its further names, which are links to the same file; another program of that name stays. */
export const removeProgram = Effect.fn("removeProgram")(function* (
  folder: string,
  name: string,
  { out }: Pick<Surroundings, "out">
) {
  const file = join(folder, name)
  const stats = statLink(file)
  if (stats === undefined) return []
  const program = yield* askProgram(file)
  if (program._tag !== "Ours" && program._tag !== "Client") {
    const why = program._tag === "Other" ? "it is another program" : program.why
    yield* out(`${file} stays: ${why}\n`)
    return []
  }
  const names = readFolder(folder).map((entry) => join(folder, entry.name))
  const same = names.filter((path) => {
    const other = statLink(path)
    return path === file || (other?.isFile() === true && other.ino === stats.ino && other.dev === stats.dev)
  })
  return same.map((path) => remove(`plugin ${path}`, path))
})

export const remove = (what: string, path: string): Step => ({
  what,
  take: FileSystem.pipe(
    Effect.flatMap((fs) => fs.remove(path, { recursive: true, force: true })),
    Effect.mapError(({ reason }) => new ToolError({ problem: `cannot remove ${path}: ${errnoOf(reason.cause)}` }))
  )
})
