/** `macvtap doctor`: a look at the node, as of a person who asks why it does not work. */
import * as Effect from "effect/Effect"
import { makeCommand } from "../../command/Command.ts"
import { escapeText, jsonText } from "../../wire/foreign.ts"
import { describeFailure } from "../failure.ts"
import { takeInventory } from "../node/inventory.ts"
import { siteOptions } from "../site.ts"
import { agents } from "./agent.ts"
import { aliases } from "./aliases.ts"
import { configurations } from "./configurations.ts"
import { devicePlugin } from "./devicePlugin.ts"
import { type Finding, note, type Site, wrong } from "./Finding.ts"
import { devtmpfs } from "./host/devtmpfs.ts"
import { kernel } from "./host/kernel.ts"
import { lowerDevices } from "./host/lowerDevices.ts"
import { udev } from "./host/udev.ts"
import { hostAccess } from "./hostAccess.ts"
import { kubelet } from "./kubelet.ts"
import { leftovers } from "./leftovers.ts"
import { owners } from "./owners.ts"
import { plugins } from "./plugins.ts"
import { policy } from "./policy.ts"

const marks = { fine: "fine ", note: "note ", wrong: "WRONG" } as const

export const doctor = makeCommand({
  name: "doctor",
  summary: "look at this node for what keeps the plugin from working, and say what to do",
  description: [
    "One line each: fine, or what is wrong and what to do. Notes are no faults. Nothing is changed.",
    "Exit status 1: something is wrong."
  ],
  options: { json: { type: "boolean", help: "a JSON document, for machines" }, ...siteOptions },
  run: Effect.fn("doctor")(function* ({ json, ...where }, { out }) {
    const findings = yield* examine({
      root: where.root,
      plugins: where["cni-bin"],
      configurations: where["cni-conf"],
      kubelet: where["kubelet-dir"],
      state: where["state-dir"]
    })
    const healthy = findings.every(({ status }) => status !== "wrong")
    yield* out(json ? `${jsonText({ healthy, findings }, 2)}\n` : findings.map(line).join(""))
    return healthy ? 0 : 1
  })
})

/** Every finding, in the order in which a person would look. */
export const examine = Effect.fn("examine")(function* (site: Site) {
  return [
    ...(yield* guarded("kernel", kernel)),
    ...(yield* guarded(
      "/dev",
      Effect.sync(() => [devtmpfs(site.root)])
    )),
    ...(yield* guarded("CNI plugin", ofPlugins(site))),
    ...(yield* guarded(
      "policy",
      Effect.sync(() => [policy(site)])
    )),
    ...(yield* guarded(
      "device owners",
      Effect.sync(() => owners(site))
    )),
    ...(yield* guarded("links", ofLinks(site))),
    ...(yield* guarded(
      "udev",
      Effect.sync(() => udev(site))
    ))
  ]
})

/** Everything that needs to know which links there are. */
const ofLinks = Effect.fnUntraced(function* (site: Site) {
  const { findings: networkFindings, networks } = yield* configurations(site)
  const { findings: kubeletFindings, state } = yield* kubelet(site)
  const { findings: offered, resources } = yield* devicePlugin(site, state)
  const before = [...networkFindings, ...kubeletFindings, ...offered]
  return yield* takeInventory(site.root).pipe(
    Effect.flatMap((inventory) =>
      Effect.map(leftovers(site, inventory), (left) => [
        ...before,
        ...lowerDevices(inventory, resources, networks, site.root),
        ...inventory.unseen.map((unseen) => note("leftovers", `cannot look into ${unseen}`, "run it as root")),
        ...hostAccess(inventory),
        ...left,
        ...aliases(inventory),
        ...inventory.records.problems.map((problem) => note("runtime's cache", problem))
      ])
    ),
    Effect.catch((error) => {
      const { problem, advice } = describeFailure(error)
      return Effect.succeed([...before, wrong("links", problem, advice ?? "run it on the node itself")])
    })
  )
})

/** The plugin that a runtime finds, and the agent that it needs. */
const ofPlugins = Effect.fnUntraced(function* (site: Site) {
  const { findings, clients } = yield* plugins(site)
  return [...findings, ...(yield* agents(site, clients))]
})

/** A check that fails for a reason of its own (a file that cannot be read) is a finding, and the others go on. */
const guarded = <R>(check: string, findings: Effect.Effect<ReadonlyArray<Finding>, never, R>) =>
  findings.pipe(
    Effect.catchDefect((defect) => {
      const words = defect instanceof Error ? defect.message : String(defect)
      return Effect.succeed([wrong(check, `cannot be looked at: ${words}`, "run it as root, on the node itself")])
    })
  )

const line = ({ check, status, says, todo }: Finding): string =>
  `${marks[status]}  ${escapeText(`${check}: ${says}${todo === undefined ? "" : `; ${todo}`}`)}\n`
