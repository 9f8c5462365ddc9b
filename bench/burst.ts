/**
 * Many ADDs at once where the runtime and its children have 50 MiB together, as Multus' thick daemon has by default: a
 * shell in a memory cgroup of its own is the runtime.
 */
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { ipLinks } from "../test/lab/ip.ts"
import { run } from "../test/lab/run.ts"
import { callOf, goMacvlan, programOf } from "./call.ts"
import { type Executables, pause } from "./cold.ts"
import { makeNamespaces, pathOf, removeNamespaces, type Scene } from "./scene.ts"
import { measure } from "./spawn.ts"

const limit = 50 * 1024 * 1024

export interface Outcome {
  /** Calls that were killed, or failed. */
  readonly lost: number
  /** Links of lost calls that are still there when all have ended. */
  readonly leftBehind: number
  /** Mebibytes, of the runtime and its children. */
  readonly peakMiB: number
}

export interface Burst {
  readonly calls: number
  readonly client: Outcome
  readonly go?: Outcome
  readonly plugin: Outcome
}

/** The folder of a new memory cgroup with the limit, or undefined where the machine lets us make none. */
const makeGroup = (name: string): { readonly path: string; readonly peak: string } | undefined => {
  for (const [root, limitFile, peak] of [
    ["/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.max_usage_in_bytes"],
    ["/sys/fs/cgroup", "memory.max", "memory.peak"]
  ] as const) {
    const path = join(root, name)
    try {
      mkdirSync(path)
      if (existsSync(join(path, limitFile))) {
        writeFileSync(join(path, limitFile), String(limit))
        return { path, peak: join(path, peak) }
      }
      rmdirSync(path)
    } catch {
      // Not this one.
    }
  }
  return undefined
}

/** `calls` ADDs at once by everyone in turn; undefined where there are no memory cgroups to be had. */
export const burst = async (scene: Scene, executables: Executables, calls: number): Promise<Burst | undefined> => {
  const { client, plugin } = executables
  if (client === undefined) return undefined
  const once = async (executable: string, type: "macvtap" | "macvlan", key: string): Promise<Outcome | undefined> => {
    await pause()
    const group = makeGroup(`macvtap-cni-bench-${process.pid}-${key}`)
    if (group === undefined) return undefined
    const containers = await makeNamespaces(
      scene,
      Array.from({ length: calls }, (_, index) => `${key}-${index}`)
    )
    try {
      const attachments = containers.map((netns) => ({
        containerID: `bm${process.pid}-${netns}`,
        netns: pathOf(netns)
      }))
      const words = attachments.map((attachment, n) => {
        const { env, stdin } = callOf("ADD", type, attachment)
        writeFileSync(join(scene.folder, `${key}.conf`), stdin)
        const assigned = Object.entries(env).map(([name, value]) => `${name}='${value}'`)
        return `(${assigned.join(" ")} ${executable} < ${key}.conf > ${key}.${n}.out 2>&1 && echo ${n} >> ${key}.well) &`
      })
      const script = [
        `cd ${scene.folder}`,
        `echo $$ > ${group.path}/cgroup.procs`,
        `: > ${key}.well`,
        ...words,
        "wait",
        ""
      ]
      const file = join(scene.folder, `${key}.sh`)
      writeFileSync(file, script.join("\n"))
      await run("sh", [file], { timeout: 120_000 })
      const well = new Set(
        readFileSync(join(scene.folder, `${key}.well`), "utf8")
          .split("\n")
          .filter((line) => line !== "")
          .map(Number)
      )
      const peakMiB = Number(readFileSync(group.peak, "utf8")) / 1024 / 1024
      let leftBehind = 0
      for (const [n, netns] of containers.entries()) {
        if (!well.has(n) && (await ipLinks(netns)).some(({ ifname }) => ifname !== "lo")) leftBehind++
      }
      for (const attachment of attachments)
        measure(scene.folder, programOf(executable, callOf("DEL", type, attachment)))
      return { lost: calls - well.size, leftBehind, peakMiB }
    } finally {
      await removeNamespaces(scene.folder, containers)
      rmdirSync(group.path)
    }
  }
  const ofClient = await once(client, "macvtap", "client")
  const ofGo = existsSync(goMacvlan) ? await once(goMacvlan, "macvlan", "go") : undefined
  const ofPlugin = await once(plugin, "macvtap", "plugin")
  if (ofClient === undefined || ofPlugin === undefined) return undefined
  return { calls, client: ofClient, ...(ofGo === undefined ? {} : { go: ofGo }), plugin: ofPlugin }
}
