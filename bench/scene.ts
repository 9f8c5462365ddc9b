/** Namespaces of this run, all named `bm-<pid>-…`, and what is in them. */
import { rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { makeHost } from "../test/lab/netns.ts"
import { must } from "../test/lab/run.ts"

const prefix = `bm-${process.pid}-`

export interface Scene {
  /** For files of this run. */
  readonly folder: string
  /** The namespace that stands in for the host; `eth0` in it is one end of a veth, up. */
  readonly host: string
}

/** What CNI_NETNS takes. */
export const pathOf = (netns: string): string => `/run/netns/${netns}`

/** Many `ip` commands by one process. */
export const batch = async (scene: Scene, lines: ReadonlyArray<string>, netns?: string): Promise<void> => {
  if (lines.length === 0) return
  const file = join(scene.folder, "batch")
  writeFileSync(file, `${lines.join("\n")}\n`)
  await must("ip", [...(netns === undefined ? [] : ["-n", netns]), "-batch", file], { timeout: 120_000 })
}

/** New namespaces `bm-<pid>-<name>`; theirs are the names given back. */
export const makeNamespaces = async (scene: Scene, names: ReadonlyArray<string>): Promise<ReadonlyArray<string>> => {
  const whole = names.map((name) => `${prefix}${name}`)
  await batch(
    scene,
    whole.map((name) => `netns add ${name}`)
  )
  return whole
}

export const makeScene = async (folder: string): Promise<Scene> => {
  const { name: host } = await makeHost("bm")
  return { folder, host }
}

/** Namespaces of this run that are still there. */
export const namespaces = async (): Promise<ReadonlyArray<string>> =>
  (await must("ip", ["netns", "list"])).split(/\s+/).filter((word) => word.startsWith(prefix))

export const removeNamespaces = async (folder: string, names: ReadonlyArray<string>): Promise<void> => {
  if (names.length === 0) return
  const file = join(folder, "batch")
  writeFileSync(file, `${names.map((name) => `netns del ${name}`).join("\n")}\n`)
  await must("ip", ["-force", "-batch", file], { timeout: 120_000 }).catch(() => {})
  rmSync(file, { force: true })
}
