/** How the cost grows: with links that are there already, with calls at once, with attachments that GC looks at. */
import { existsSync } from "node:fs"
import { ipLinks } from "../test/lab/ip.ts"
import { expect } from "../test/lab/long/report.ts"
import { type Attachment, callOf, fault, gcCall, goMacvlan, programOf } from "./call.ts"
import { type Executables, pause } from "./cold.ts"
import { answer } from "./floor.ts"
import { batch, makeNamespaces, makeScene, pathOf, removeNamespaces, type Scene } from "./scene.ts"
import { enterNetns, measure } from "./spawn.ts"
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

/** A host and a container that have the same number of other links: veths, half as many pairs as links. */
const crowded = async (scene: Scene, links: number) => {
  const place = await makeScene(scene.folder)
  const [netns = ""] = await makeNamespaces(scene, [`links-${links}-c`])
  const pairs = Array.from({ length: links / 2 }, (_, index) => `link add v${index}a type veth peer name v${index}b`)
  for (const namespace of [place.host, netns]) await batch(scene, pairs, namespace)
  const samples = { plugin: [], go: [], check: [], del: [], floor: [], kernel: [] }
  return {
    links,
    host: place.host,
    netns,
    attachment: attachmentIn(netns),
    samples: samples as Record<keyof typeof samples, Array<number>>
  }
}

/**
 * ADD, CHECK and DEL beside other links: all sizes in every round, so that what disturbs one disturbs all. The namespaces
 * of the last size stay, and this process is in the host's of them.
 */
export const growLinks = async (
  scene: Scene,
  plugin: string,
  sizes: ReadonlyArray<number>,
  runs: number
): Promise<{ readonly netns: string; readonly points: ReadonlyArray<LinksPoint> }> => {
  const places: Array<Awaited<ReturnType<typeof crowded>>> = []
  for (const links of sizes) {
    await pause()
    places.push(await crowded(scene, links))
  }
  for (let run = 0; run < runs; run++) {
    const order = callers(plugin)
    for (const { links, host, attachment, samples } of run % 2 === 0 ? places : places.toReversed()) {
      for (const { key, executable, type } of run % 2 === 0 ? order : order.toReversed()) {
        await pause()
        enterNetns(pathOf(host))
        const call = (command: "ADD" | "CHECK" | "DEL", result?: string) => {
          const ended = measure(scene.folder, programOf(executable, callOf(command, type, attachment, result)))
          const wrong = fault(command, ended)
          expect(`beside ${links} links, ${key}: ${wrong}`, wrong === undefined)
          return ended
        }
        const added = call("ADD")
        const checked = call("CHECK", added.stdout)
        const deleted = call("DEL", added.stdout)
        samples[key].push(added.wall)
        if (key === "plugin") {
          samples.check.push(checked.wall)
          samples.del.push(deleted.wall)
        }
      }
      enterNetns(pathOf(host))
      const added = await answer("inPlace", callOf("ADD", "macvtap", attachment))
      enterNetns(pathOf(host))
      const deleted = await answer("inPlace", callOf("DEL", "macvtap", attachment))
      const wrong = fault("ADD", added) ?? fault("DEL", deleted)
      expect(`beside ${links} links, in one process: ${wrong}`, wrong === undefined)
      samples.floor.push(added.wall)
      samples.kernel.push(added.kernel)
    }
  }
  const last = places.at(-1)
  if (last === undefined) throw new Error("no sizes")
  enterNetns(pathOf(last.host))
  return {
    netns: last.netns,
    points: places.map(({ links, samples }) => ({
      links,
      plugin: median(samples.plugin),
      ...(samples.go.length === 0 ? {} : { go: median(samples.go) }),
      check: median(samples.check),
      del: median(samples.del),
      floor: median(samples.floor),
      kernel: median(samples.kernel)
    }))
  }
}

/** Milliseconds of whole processes. */
export interface Collected {
  readonly attachments: number
  /** All are in use: GC looks, and removes nothing. Median. */
  readonly looks: number
  /** Half are in use; and of that, for each link that was removed. */
  readonly removes: number
  readonly removed: number
  /** The same through client and agent, all that half. */
  readonly client?: number
  /** An ADD through client and agent beside none and beside all of the attachments; medians. */
  readonly adds?: { readonly alone: number; readonly beside: number }
}

/** GC where `count` containers have a link each. `look` is called with all of them. */
export const collect = async (
  scene: Scene,
  { plugin, client }: Pick<Executables, "plugin" | "client">,
  count: number,
  runs: number,
  look: (valid: ReadonlyArray<Attachment>) => void
): Promise<Collected> => {
  const containers = await makeNamespaces(
    scene,
    Array.from({ length: count }, (_, index) => `gc-${index}`)
  )
  const attachments = containers.map(attachmentIn)
  const [extra = ""] = await makeNamespaces(scene, ["gc-extra"])
  const addOnce = async (executable: string): Promise<number> => {
    const walls: Array<number> = []
    for (let run = 0; run < 8 * runs; run++) {
      await pause()
      for (const command of ["ADD", "DEL"] as const) {
        const ended = measure(scene.folder, programOf(executable, callOf(command, "macvtap", attachmentIn(extra))))
        const wrong = fault(command, ended)
        expect(`beside attachments: ${wrong}`, wrong === undefined)
        if (command === "ADD") walls.push(ended.wall)
      }
    }
    return median(walls)
  }
  const alone = client === undefined ? undefined : await addOnce(client)
  for (const attachment of attachments) {
    await pause()
    const { status, stdout } = await answer("inPlace", callOf("ADD", "macvtap", attachment))
    expect(`ADD answers ${stdout}`, status === 0)
  }
  const beside = client === undefined ? undefined : await addOnce(client)
  const gc = (valid: ReadonlyArray<Attachment>, executable = plugin): number => {
    const { status, stdout, wall } = measure(scene.folder, programOf(executable, gcCall(valid)))
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
  let throughClient: number | undefined
  if (client !== undefined) {
    for (const attachment of attachments.slice(half)) {
      await pause()
      const { status, stdout } = await answer("inPlace", callOf("ADD", "macvtap", attachment))
      expect(`ADD answers ${stdout}`, status === 0)
    }
    throughClient = gc(attachments.slice(0, half), client)
    expect("GC through the client removes what is stale", !(await hasLink(containers[half])))
  }
  await removeNamespaces(scene.folder, [...containers, extra])
  return {
    ...(alone === undefined || beside === undefined ? {} : { adds: { alone, beside } }),
    attachments: count,
    looks: median(looks),
    removes,
    removed: count - half,
    ...(throughClient === undefined ? {} : { client: throughClient })
  }
}
