/** `macvtap uninstall`: takes back what installation and daemon left on the node, and says what is not theirs to take. */
import { rmSync } from "node:fs"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { makeCommand, ToolError } from "../../command/Command.ts"
import { decodeResources, defaultStateFolder, type Resources, resourcesFile } from "../../devices/resources.ts"
import { NetlinkService } from "../../services/NetlinkService.ts"
import { NetnsService } from "../../services/NetnsService.ts"
import { escapeText } from "../../wire/foreign.ts"
import { describeFailure } from "../failure.ts"
import { errnoOf, readFolder, readText, statFile, statLink } from "../files.ts"
import { type FoundLink, takeInventory } from "../list/inventory.ts"
import { siteOptions } from "../site.ts"
import { temporaries } from "./copy.ts"
import { isStaleNode, ourSockets, staleLinks, staleNodes, standaloneLinks } from "./leftovers.ts"
import { askProgram } from "./program.ts"

/** One thing to take away. `take` throws, or fails, with what is said of it. */
interface Step {
  readonly what: string
  readonly take: Effect.Effect<void, ToolError, NetlinkService | NetnsService>
}

const remove = (what: string, path: string): Step => ({
  what,
  take: Effect.try({
    try: () => rmSync(path, { recursive: true, force: true }),
    catch: (error) => new ToolError({ problem: `cannot remove ${path}: ${errnoOf(error)}` })
  })
})

/** Looked at once more, since an ADD may have made it anew. */
const removeNode = (path: string): Step => {
  const { what, take } = remove(`node ${path}`, path)
  return { what, take: Effect.suspend(() => (isStaleNode(path) ? take : Effect.void)) }
}

const removeLink = ({ link, netns }: FoundLink): Step => ({
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

/** The plugin and its further names, which are links to the same file; another program of that name stays. */
const programSteps = Effect.fnUntraced(function* (
  folder: string,
  name: string,
  out: (text: string) => Effect.Effect<void, ToolError>
) {
  const file = join(folder, name)
  const stats = statLink(file)
  if (stats === undefined) return []
  const program = yield* askProgram(file)
  if (program._tag !== "Ours") {
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

const readResources = (state: string): Resources =>
  Result.getOrElse(decodeResources(readText(resourcesFile(state)) ?? ""), () => ({}))

const kept = (resources: Resources): string => {
  const names = Object.keys(resources).map((name) => `macvtap.network.kubevirt.io/${name}`)
  if (names.length === 0) return ""
  return (
    `The kubelet keeps ${names.join(", ")} in the node's status, at 0, also after its restart. Harmless; to remove one:\n` +
    `  kubectl patch node NODE --subresource=status --type=json -p ` +
    `'[{"op":"remove","path":"/status/capacity/${names[0]?.replace("/", "~1")}"}]'\n`
  )
}

/** Attachments that containers have: without the plugin their runtime could not take them down. */
const refuse = (live: ReadonlyArray<FoundLink>): ToolError => {
  const named = live.slice(0, 3).map(({ owner, netns }) => `${owner?.containerID}/${owner?.ifname} in ${netns}`)
  const more = live.length > named.length ? `, and ${live.length - named.length} more` : ""
  return new ToolError({
    problem: escapeText(
      `${live.length === 1 ? "1 attachment is" : `${live.length} attachments are`} in use: ${named.join(", ")}${more}`
    ),
    advice:
      "remove their pods first, since without the plugin their teardown fails (macvtap list shows them), or say --force"
  })
}

export const uninstall = makeCommand({
  name: "uninstall",
  summary: "take everything back: the plugin, the device plugin's sockets and state, stale links",
  description: [
    "Removes the plugin (a program of that name that is not ours stays), the device plugin's sockets, " +
      `${defaultStateFolder}, and links that no container has any more. Says what the kubelet will keep.`,
    "Stop the device plugin first (kubectl delete -f deploy/macvtap-cni.yaml): it would make its sockets again.",
    "Exit status 1: attachments are in use, the device plugin still runs, or something could not be removed."
  ],
  options: {
    from: {
      type: "string",
      value: "DIR",
      path: true,
      default: "/opt/cni/bin",
      help: "the folder of the CNI plugins, below the root"
    },
    name: { type: "string", value: "NAME", default: "macvtap", help: "the plugin's name" },
    leftovers: { type: "boolean", help: "only what nobody needs any more; the plugin and the device plugin go on" },
    "dry-run": { type: "boolean", help: "say what would be removed, and remove nothing" },
    force: { type: "boolean", help: "also while attachments are in use; their links stay until their containers end" },
    root: siteOptions.root,
    "kubelet-dir": siteOptions["kubelet-dir"],
    "state-dir": siteOptions["state-dir"]
  },
  run: Effect.fnUntraced(function* (options, { out, err }) {
    const { root, leftovers } = options
    const dry = options["dry-run"]
    const folder = join(root, options.from)
    const state = join(root, options["state-dir"])
    const inventory = yield* takeInventory(root).pipe(Effect.mapError(describeFailure))
    const stale = staleLinks(root, inventory)
    const live = inventory.links.filter((found) => found.owner !== undefined && !stale.includes(found))
    if (live.length > 0 && !leftovers && !options.force) return yield* refuse(live)
    const resources = readResources(state)
    const sockets = yield* ourSockets(root, options["kubelet-dir"])
    const runs = sockets.some(({ answers }) => answers)
    const steps: Array<Step> = stale.map(removeLink)
    for (const { path, answers } of sockets) if (!answers) steps.push(remove(`socket ${path}`, path))
    steps.push(...temporaries(folder).map((path) => remove(path, path)))
    if (leftovers) {
      steps.push(...staleNodes(state).map(removeNode))
    } else {
      if (!runs) steps.push(...standaloneLinks(inventory).map(removeLink))
      steps.push(...(yield* programSteps(folder, options.name, out)))
      if (!runs && live.length === 0 && statFile(state) !== undefined) steps.push(remove(`folder ${state}`, state))
    }
    let failed = false
    for (const { what, take } of steps) {
      const done = dry
        ? true
        : yield* take.pipe(
            Effect.as(true),
            Effect.catch(({ problem }) => Effect.as(err(`${problem}\n`), false))
          )
      if (done) yield* out(`${escapeText(`${dry ? "would remove" : "removed"} ${what}`)}\n`)
      failed ||= !done
    }
    if (steps.length === 0) yield* out("nothing to remove\n")
    if (leftovers) return failed ? 1 : 0
    if (live.length > 0) yield* out(`${state} stays: ${live.length} attachments still use it\n`)
    if (runs) yield* err("the device plugin still runs: its sockets and state stay; stop it and run this again\n")
    yield* out(kept(resources))
    return failed || runs ? 1 : 0
  })
})
