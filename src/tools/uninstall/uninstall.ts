/** `macvtap uninstall`: takes back what installation and daemon left on the node, and says what is not theirs to take. */
import { dirname, join } from "node:path"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { makeCommand, type Surroundings, ToolError } from "../../command/Command.ts"
import {
  decodeResources,
  defaultStateFolder,
  type Resources,
  resourceDomain,
  resourcesFile
} from "../../devices/resources.ts"
import { standaloneDevice } from "../../devices/standalone.ts"
import { escapeText } from "../../wire/foreign.ts"
import { describeFailure } from "../failure.ts"
import { agentOf } from "../node/agent.ts"
import { readFolder, readText, statFile } from "../node/files.ts"
import { hostAccessOf } from "../node/hostAccess.ts"
import { type FoundLink, type Inventory, takeInventory } from "../node/inventory.ts"
import { ourSockets, staleLinks, staleNodes, standaloneLinks } from "../node/leftovers.ts"
import { platform } from "../node/platform.ts"
import { standaloneName } from "../node/programs.ts"
import { temporaries } from "../node/temporaries.ts"
import { type Allotments, readAllotments } from "../records/allotments.ts"
import { siteOptions } from "../site.ts"
import { count, type InUse, inUse, refusal } from "./inUse.ts"
import { remove, removeLink, removeNode, removeProgram, type Step } from "./steps.ts"

export const uninstall = makeCommand({
  name: "uninstall",
  summary: "take everything back: the plugin, the device plugin's sockets and state, stale links",
  description: [
    `Removes the plugin (a program of that name that is not ours stays) and ${standaloneName}, the device plugin's sockets, ` +
      `${defaultStateFolder}, the folder of the agent's socket, links that no container has any more and those of hostAccess. Says what ` +
      "the kubelet will keep. Does nothing as long as a pod has an attachment, or a device by the kubelet's checkpoint.",
    "Stop the agent and the device plugin first (kubectl delete -f deploy/macvtap-cni.yaml): they make their sockets again.",
    "Exit status 1: attachments or devices are in use, agent or device plugin still run, or something could not be removed."
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
    force: {
      type: "boolean",
      help: "also while pods use what is here; their links stay until their containers end, those of standalone devices longer"
    },
    root: siteOptions.root,
    "kubelet-dir": siteOptions["kubelet-dir"],
    "state-dir": siteOptions["state-dir"]
  },
  run: Effect.fn("uninstall")(function* (options, surroundings) {
    const { root, leftovers } = options
    const { out, err } = surroundings
    const state = join(root, options["state-dir"])
    const inventory = yield* takeInventory(root).pipe(Effect.mapError(describeFailure))
    const stale = staleLinks(root, inventory)
    const allotments = readAllotments(root, options["kubelet-dir"], inventory.records)
    const used = inUse(inventory, stale, allotments)
    if (!leftovers && !options.force) yield* refuseIfUsed(used, allotments)
    const resources = readResources(state)
    const sockets = yield* ourSockets(root, options["kubelet-dir"])
    const runs = sockets.some(({ answers }) => answers)
    const agent = yield* agentOf(root)
    const steps: Array<Step> = stale.map(removeLink)
    if (agent.state === "stale") steps.push(remove(`socket ${agent.path}`, agent.path))
    for (const { path, answers } of sockets) if (!answers) steps.push(remove(`socket ${path}`, path))
    const folder = join(root, options.from)
    steps.push(...temporaries(folder).map((path) => remove(path, path)))
    if (leftovers) steps.push(...staleNodes(state, allotments).map(removeNode))
    else {
      if (!runs) steps.push(...unusedDevices(inventory, used).map(removeLink))
      for (const name of [options.name, standaloneName])
        steps.push(...(yield* removeProgram(folder, name, surroundings)))
      if (count(used) === "") steps.push(...hostLinks(inventory).map(removeLink))
      if (!runs && count(used) === "" && statFile(state) !== undefined) steps.push(remove(`folder ${state}`, state))
      if (agent.state !== "answers" && count(used) === "") steps.push(...agentFolder(dirname(agent.path)))
    }
    const failed = !(yield* takeAll(steps, options["dry-run"], surroundings))
    if (leftovers) return failed ? 1 : 0
    if (count(used) !== "") yield* out(`${state} stays: ${count(used)} still use it\n`)
    if (runs) yield* err("the device plugin still runs: its sockets and state stay; stop it and run this again\n")
    if (agent.state === "answers") yield* err(`the agent still runs (${agent.path}); stop it\n`)
    yield* out(kept(resources))
    return failed || runs || agent.state === "answers" ? 1 : 0
  }, Effect.provide(platform))
})

/** The folder of the agent's socket, unless something is in it that may still bind a pod: claims on numbers of taps. */
const agentFolder = (folder: string): ReadonlyArray<Step> =>
  statFile(folder) === undefined || readFolder(join(folder, "taps")).length > 0
    ? []
    : [remove(`folder ${folder}`, folder)]

/** A checkpoint that cannot be read may be full of pods. */
const refuseIfUsed = (used: InUse, { problem }: Allotments): Effect.Effect<void, ToolError> => {
  if (problem !== undefined) {
    return new ToolError({
      problem: `which pods have devices cannot be known: ${escapeText(problem)}`,
      advice: "say --force where none of them does"
    })
  }
  return count(used) === "" ? Effect.void : Effect.fail(refusal(used))
}

/** The host's own links that `"hostAccess": true` made; their routes go with them. */
const hostLinks = (inventory: Inventory): ReadonlyArray<FoundLink> => {
  const indexes = new Set(hostAccessOf(inventory).map(({ link }) => link.index))
  return inventory.links.filter(({ inHost, link }) => inHost && indexes.has(link.index))
}

/** Links of standalone devices that no pod has. */
const unusedDevices = (inventory: Inventory, { devices }: InUse): ReadonlyArray<FoundLink> =>
  standaloneLinks(inventory).filter(({ link }) => !devices.some(({ deviceID }) => deviceID === standaloneDevice(link)))

/** Whether all was taken. What could not be is told, and the rest goes on. */
const takeAll = Effect.fnUntraced(function* (steps: ReadonlyArray<Step>, dry: boolean, { out, err }: Surroundings) {
  let all = true
  for (const { what, take } of steps) {
    const done = dry
      ? true
      : yield* take.pipe(
          Effect.as(true),
          Effect.catch(({ problem }) => Effect.as(err(`${escapeText(problem)}\n`), false))
        )
    if (done) yield* out(`${escapeText(`${dry ? "would remove" : "removed"} ${what}`)}\n`)
    all &&= done
  }
  if (steps.length === 0) yield* out("nothing to remove\n")
  return all
})

const readResources = (state: string): Resources =>
  Result.getOrElse(decodeResources(readText(resourcesFile(state)) ?? ""), () => ({}))

const kept = (resources: Resources): string => {
  const names = Object.keys(resources).map((name) => `${resourceDomain}/${name}`)
  if (names.length === 0) return ""
  return (
    `The kubelet keeps ${names.join(", ")} in the node's status, at 0, also after its restart. Harmless; to remove one:\n` +
    `  kubectl patch node NODE --subresource=status --type=json -p ` +
    `'[{"op":"remove","path":"/status/capacity/${names[0]?.replace("/", "~1")}"}]'\n`
  )
}
