/** How the cost grows: with links that are there already, with calls at once, with attachments that GC looks at. */
import { existsSync } from "node:fs"
import { expect } from "../test/e2e/report.ts"
import { ipLinks } from "../test/support/ip.ts"
import { type Attachment, callOf, fault, gcCall, goMacvlan, programOf } from "./call.ts"
import { pause } from "./cold.ts"
import { answer } from "./floor.ts"
import { batch, makeNamespaces, pathOf, removeNamespaces, type Scene } from "./scene.ts"
import { measure, start } from "./spawn.ts"
import { median } from "./stats.ts"

interface Caller {
  readonly key: "plugin" | "go"
  readonly executable: string
  readonly type: "macvtap" | "macvlan"
}

const callers = (plugin: string): ReadonlyArray<Caller> => [
  { key: "plugin", executable: plugin, type: "macvtap" },
  ...(existsSync(goMacvlan) ? [{ key: "go", executable: goMacvlan, type: "macvlan" } as const] : [])
]

/** Milliseconds, medians. */
export interface LinksPoint {
  /** On the host, and as many in the container. */
  readonly links: number
  /** ADD by whole processes. */
  readonly plugin: number
  readonly go?: number
  /** The plugin's other commands. */
  readonly check: number
  readonly del: number
  /** ADD in one long-lived process, and the kernel's part of it. */
  readonly floor: number
  readonly kernel: number
}

const attachmentIn = (netns: string): Attachment => ({ containerID: `bm${process.pid}-${netns}`, netns: pathOf(netns) })

/** Other links come by pairs of veths, half as many pairs as links. They stay, in the host's namespace and in `netns`. */
export const growLinks = async (
  scene: Scene,
  plugin: string,
  sizes: ReadonlyArray<number>,
  runs: number
): Promise<{ readonly netns: string; readonly points: ReadonlyArray<LinksPoint> }> => {
  const [netns = ""] = await makeNamespaces(scene, ["links"])
  const attachment = attachmentIn(netns)
  const points: Array<LinksPoint> = []
  let present = 0
  for (const links of sizes) {
    const pairs = Array.from(
      { length: (links - present) / 2 },
      (_, index) => `link add v${present / 2 + index}a type veth peer name v${present / 2 + index}b`
    )
    for (const place of [scene.host, netns]) await batch(scene, pairs, place)
    present = links
    const walls = { plugin: [] as Array<number>, go: [] as Array<number> }
    const checks: Array<number> = []
    const dels: Array<number> = []
    const floor: Array<number> = []
    const kernel: Array<number> = []
    for (let run = 0; run < runs; run++) {
      const order = callers(plugin)
      for (const { key, executable, type } of run % 2 === 0 ? order : order.toReversed()) {
        await pause()
        const added = measure(scene.folder, programOf(executable, callOf("ADD", type, attachment)))
        const after = (command: "CHECK" | "DEL") =>
          measure(scene.folder, programOf(executable, callOf(command, type, attachment, added.stdout)))
        const wrongly = fault("ADD", added)
        expect(`beside ${links} links, ${key}: ${wrongly}`, wrongly === undefined)
        const checked = after("CHECK")
        const deleted = after("DEL")
        const wrong = fault("CHECK", checked) ?? fault("DEL", deleted)
        expect(`beside ${links} links, ${key}: ${wrong}`, wrong === undefined)
        walls[key].push(added.wall)
        if (key === "plugin") {
          checks.push(checked.wall)
          dels.push(deleted.wall)
        }
      }
      const added = await answer("inPlace", callOf("ADD", "macvtap", attachment))
      await answer("inPlace", callOf("DEL", "macvtap", attachment))
      floor.push(added.wall)
      kernel.push(added.kernel)
    }
    points.push({
      links,
      plugin: median(walls.plugin),
      ...(walls.go.length === 0 ? {} : { go: median(walls.go) }),
      check: median(checks),
      del: median(dels),
      floor: median(floor),
      kernel: median(kernel)
    })
  }
  return { netns, points }
}

/** Milliseconds from the first start to the last end, divided by the number of calls; medians. */
export interface AtOncePoint {
  readonly calls: number
  readonly plugin: number
  readonly go?: number
}

/** `calls` ADDs started at once, each for a container of its own; then as many DELs. */
export const callAtOnce = async (
  scene: Scene,
  plugin: string,
  sizes: ReadonlyArray<number>,
  runs: number
): Promise<ReadonlyArray<AtOncePoint>> => {
  const most = Math.max(...sizes)
  const containers = await makeNamespaces(
    scene,
    Array.from({ length: most }, (_, index) => `once-${index}`)
  )
  const points: Array<AtOncePoint> = []
  for (const calls of sizes) {
    const each = { plugin: [] as Array<number>, go: [] as Array<number> }
    const attachments = containers.slice(0, calls).map(attachmentIn)
    for (let run = 0; run < runs; run++) {
      const order = callers(plugin)
      for (const { key, executable, type } of run % 2 === 0 ? order : order.toReversed()) {
        for (const command of ["ADD", "DEL"] as const) {
          await pause()
          const programs = attachments.map((attachment) => programOf(executable, callOf(command, type, attachment)))
          const all = programs.map((program) => start(scene.folder, program)).map((started) => started.wait())
          const wrong = all.map((ended) => fault(command, ended)).find((fault) => fault !== undefined)
          expect(`${calls} at once, ${key}: ${wrong}`, wrong === undefined)
          const wall = Math.max(...all.map(({ ended }) => ended)) - Math.min(...all.map(({ began }) => began))
          if (command === "ADD") each[key].push(wall / calls)
        }
      }
    }
    points.push({ calls, plugin: median(each.plugin), ...(each.go.length === 0 ? {} : { go: median(each.go) }) })
  }
  for (const netns of containers) {
    const left = (await ipLinks(netns)).filter(({ ifname }) => ifname !== "lo")
    expect(`${netns} has no link of ours any more`, left.length === 0, left)
  }
  await removeNamespaces(scene.folder, containers)
  return points
}

/** Milliseconds of whole processes. */
export interface Collected {
  readonly attachments: number
  /** All are in use: GC looks, and removes nothing. Median. */
  readonly looks: number
  /** Half are in use; and of that, for each link that was removed. */
  readonly removes: number
  readonly removed: number
}

/** GC where `count` containers have a link each. `look` is called with all of them. */
export const collect = async (
  scene: Scene,
  plugin: string,
  count: number,
  runs: number,
  look: (valid: ReadonlyArray<Attachment>) => void
): Promise<Collected> => {
  const containers = await makeNamespaces(
    scene,
    Array.from({ length: count }, (_, index) => `gc-${index}`)
  )
  const attachments = containers.map(attachmentIn)
  for (const attachment of attachments) {
    await pause()
    const { status, stdout } = await answer("inPlace", callOf("ADD", "macvtap", attachment))
    expect(`ADD answers ${stdout}`, status === 0)
  }
  const gc = (valid: ReadonlyArray<Attachment>): number => {
    const { status, stdout, wall } = measure(scene.folder, programOf(plugin, gcCall(valid)))
    expect(`GC answers ${stdout}`, status === 0)
    return wall
  }
  const hasLink = async (netns: string | undefined) => (await ipLinks(netns)).some(({ ifname }) => ifname === "net1")
  const looks: Array<number> = []
  for (let run = 0; run < runs; run++) {
    await pause()
    looks.push(gc(attachments))
  }
  look(attachments)
  const half = Math.floor(count / 2)
  const removes = gc(attachments.slice(0, half))
  expect("GC leaves what is in use", await hasLink(containers[half - 1]))
  expect("GC removes what is not", !(await hasLink(containers[half])) && !(await hasLink(containers[count - 1])))
  await removeNamespaces(scene.folder, containers)
  return { attachments: count, looks: median(looks), removes, removed: count - half }
}
