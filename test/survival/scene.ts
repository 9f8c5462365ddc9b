/** One attachment on a host of its own, with host-local addresses: what the tests of this folder do bad things to. */
import { readdir } from "node:fs/promises"
import { join } from "node:path"
import { assert } from "vitest"
import { isIdle } from "../lab/agent.ts"
import type { Program } from "../lab/call/node.ts"
import { type Folder, makeFolder } from "../lab/folder.ts"
import { type IpLink, ipLinks } from "../lab/ip.ts"
import { hasDebianPlugins, hasExecutable, hasMacvtap } from "../lab/machine.ts"
import { makeHost, makeNetns, type TestHost, type TestNetns } from "../lab/netns.ts"
import { attachmentEnv, callPlugin, client, debianPlugins } from "../lab/plugin.ts"
import { processesWith } from "../lab/processes.ts"
import { type RunResult, until } from "../lab/run.ts"
import { nodeStatus, tapNode } from "../lab/tap.ts"

/** MACVTAP_CNI_FULL=1: hundreds and thousands of runs; otherwise few, so that they fit into any test run. */
const full = process.env["MACVTAP_CNI_FULL"] === "1"

/** How often: in a short run, and in a full one. */
export const times = (short: number, inFull: number): number => (full ? inFull : short)

/** What every test here needs. */
export const ready: boolean = hasMacvtap && hasExecutable && hasDebianPlugins

export type Command = "ADD" | "DEL" | "CHECK"

export interface CallOptions {
  /** Keys that replace or join those of the scene's configuration. */
  readonly config?: Readonly<Record<string, unknown>>
  /** Words before the program: `["timeout", "1"]`. */
  readonly before?: ReadonlyArray<string>
  /** CNI_PATH; Debian's plugins when left out. */
  readonly path?: string
  readonly pod?: TestNetns
}

export interface Scene extends AsyncDisposable {
  readonly host: TestHost
  readonly pod: TestNetns
  readonly folder: string
  readonly config: Readonly<Record<string, unknown>>
  readonly call: (command: Command, options?: CallOptions) => Promise<RunResult>
  /** The addresses that host-local has reserved. */
  readonly reserved: () => Promise<ReadonlyArray<string>>
  /** The pod's links but `lo`. */
  readonly links: (pod?: TestNetns) => Promise<ReadonlyArray<IpLink>>
  /** DEL as a runtime calls it after whatever happened; then no link, no node, no reservation, no process is left. */
  readonly clear: (options?: CallOptions) => Promise<void>
}

/** host-local's files are named after the addresses that they reserve. */
const addressFile = /^[0-9a-f.:]+\.[0-9a-f.:]+$|^[0-9a-f]*:[0-9a-f:]+$/

/** The plugin called for this container, and delegates that outlived it. */
export const processesOf = (containerID: string): Promise<ReadonlyArray<number>> =>
  processesWith((variable) => variable === `CNI_CONTAINERID=${containerID}`)

/** The document on stdout, or the error object; one well-formed document, whatever happened. */
export const documentOf = (result: RunResult): Readonly<Record<string, unknown>> => {
  const document = JSON.parse(result.stdout)
  assert.isObject(document)
  if (result.status !== 0) {
    assert.isNumber(document.code)
    assert.isString(document.msg)
  }
  return document
}

/** A host with `eth0`, a pod, and a network with host-local addresses in a folder of its own, for a program that is called. */
export const makeScene = async (prefix: string, [executable = ""]: Program): Promise<Scene> => {
  const scope = new AsyncDisposableStack()
  const folder: Folder = scope.use(await makeFolder(prefix))
  const host = scope.use(await makeHost(prefix))
  const pod = scope.use(await makeNetns(`${prefix}-pod`))
  const dataDir = join(folder.path, "ipam")
  const config = {
    // The newest that Debian 12's host-local knows.
    cniVersion: "1.0.0",
    name: prefix,
    type: "macvtap",
    master: "eth0",
    mode: "bridge",
    ipam: { type: "host-local", dataDir, ranges: [[{ subnet: "10.62.0.0/16" }]] }
  }
  const call: Scene["call"] = (command, options = {}) => {
    const { config: more, before = [], path = debianPlugins, pod: attached = pod } = options
    return callPlugin({
      host: host.name,
      executable,
      before,
      stdin: { ...config, ...more },
      env: attachmentEnv(command, { containerID: attached.name, netns: attached.path, path })
    })
  }
  const reserved = async () => (await readdir(join(dataDir, prefix)).catch(() => [])).filter((f) => addressFile.test(f))
  const links = async (of: TestNetns = pod) => (await ipLinks(of.name)).filter((link) => link.ifname !== "lo")
  return {
    host,
    pod,
    folder: folder.path,
    config,
    call,
    reserved,
    links,
    clear: async (options) => {
      await until("no process of the call is left", async () => (await processesOf(pod.name)).length === 0)
      // The agent may still take back what a client that was killed had begun.
      if (executable === client) await until("the agent has ended the call", () => isIdle(executable))
      const before = await links()
      const deleted = await call("DEL", options)
      assert.deepStrictEqual([deleted.status, deleted.stdout], [0, ""], deleted.stderr)
      assert.deepStrictEqual(await links(), [])
      for (const link of before) assert.isUndefined(await nodeStatus(tapNode(link)))
      assert.deepStrictEqual(await reserved(), [])
    },
    [Symbol.asyncDispose]: () => scope.disposeAsync()
  }
}
