/** A node with a pod, in namespaces of their own, and the plugin as a runtime calls it there. */
import { readdir, readlink, rm } from "node:fs/promises"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { assert } from "vitest"
import { defaultClaimFolder } from "../../../src/live/device/claims.ts"
import { type IpLink, ipLinks } from "../ip.ts"
import { makeHost, makeNetns, type TestHost, type TestNetns } from "../netns.ts"
import { client, debianPlugins, executable, inNetns } from "../plugin.ts"
import { type RunResult, run } from "../run.ts"
import { assertError, assertResult, type ErrorDocument, type ResultDocument } from "./wellFormed.ts"

/** The program and the arguments before a call's own. */
export type Program = ReadonlyArray<string>

const main = fileURLToPath(new URL("../../../src/main.ts", import.meta.url))

/** What a runtime starts: both ways in which a node is run. */
export const bothWays: ReadonlyArray<readonly [name: string, program: Program]> = [
  ["the executable", [executable]],
  ...(client === undefined ? [] : [["the client, with an agent", [client]] as const])
]

/** Both ways, and what they are made of. */
export const programs: ReadonlyArray<readonly [name: string, program: Program]> = [
  ...bothWays,
  ["the sources, on Node", [process.execPath, main]]
]

export type Command = "ADD" | "DEL" | "CHECK" | "GC" | "STATUS" | "VERSION"

export interface Call {
  /** Another namespace than the pod's. */
  readonly pod?: TestNetns
  readonly containerID?: string
  readonly ifname?: string
  readonly args?: string
  readonly path?: string
  /** Laid over the environment; undefined takes a variable away. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** Laid over the network's configuration. */
  readonly conf?: object
  /** Instead of a configuration. */
  readonly stdin?: string
}

export interface Node extends AsyncDisposable {
  readonly host: TestHost
  readonly wire: TestNetns
  readonly pod: TestNetns
  readonly network: Readonly<Record<string, unknown>>
  /** The command line of a call, in the host's namespace. */
  readonly command: ReadonlyArray<string>
  readonly envOf: (command: Command, call?: Call) => Record<string, string>
  readonly stdinOf: (call?: Call) => string
  readonly call: (command: Command, call?: Call) => Promise<RunResult>
  /** A call that has to succeed, with its result. */
  readonly add: (call?: Call) => Promise<ResultDocument>
  /** A call that has to succeed without a word on stdout. */
  readonly silent: (command: Command, call?: Call) => Promise<void>
  /** A call that has to fail, with its error. */
  readonly fails: (command: Command, call?: Call) => Promise<ErrorDocument>
  /** The attachment's link, as ip tells. */
  readonly link: (call?: Call) => Promise<IpLink | undefined>
  readonly makePod: () => Promise<TestNetns>
}

const defined = (env: Readonly<Record<string, string | undefined>>): Record<string, string> =>
  Object.fromEntries(Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined))

/**
 * What is written down for pods that end without a DEL is over when their namespaces are. The kernel gives the number of such
 * a namespace to the next one, and a test must not be refused a device for the sake of the one before.
 */
const forgetClaims = async (of: (netnsPath: string) => boolean): Promise<void> => {
  for (const number of await readdir(defaultClaimFolder).catch(() => [])) {
    const claim = join(defaultClaimFolder, number)
    const netnsPath = (await readlink(claim).catch(() => "")).split(" ").at(-1) ?? ""
    if (of(netnsPath)) await rm(claim, { force: true })
  }
}

export const makeNode = async (program: Program = [executable]): Promise<Node> => {
  const stack = new AsyncDisposableStack()
  const pods: Array<string> = []
  stack.defer(() => forgetClaims((path) => pods.includes(path)))
  const wire = stack.use(await makeNetns("pl-wire"))
  const host = stack.use(await makeHost("pl-host", wire))
  const makePod = async () => {
    const made = stack.use(await makeNetns("pl-pod"))
    pods.push(made.path)
    return made
  }
  const pod = await makePod()
  const network = { cniVersion: "1.1.0", name: "lan", type: "macvtap", master: "eth0" }
  const command = inNetns(host.name, program)
  const envOf = (name: Command, call: Call = {}) =>
    defined({
      PATH: process.env["PATH"],
      CNI_COMMAND: name,
      CNI_CONTAINERID: call.containerID ?? (call.pod ?? pod).name,
      CNI_NETNS: (call.pod ?? pod).path,
      CNI_IFNAME: call.ifname ?? "net1",
      CNI_PATH: call.path ?? debianPlugins,
      CNI_ARGS: call.args,
      ...call.env
    })
  const stdinOf = ({ conf, stdin }: Call = {}) => stdin ?? JSON.stringify({ ...network, ...conf })
  const call = (name: Command, more?: Call) => {
    const [first = "", ...rest] = command
    return run(first, rest, { env: envOf(name, more), stdin: stdinOf(more) })
  }
  return {
    host,
    wire,
    pod,
    network,
    command,
    envOf,
    stdinOf,
    call,
    makePod,
    add: async (more) => {
      const { status, stdout, stderr } = await call("ADD", more)
      assert.strictEqual(status, 0, stdout + stderr)
      const { cniVersion } = JSON.parse(stdinOf(more))
      return assertResult(stdout, cniVersion ?? "0.1.0")
    },
    silent: async (name, more) => {
      const { status, stdout, stderr } = await call(name, more)
      assert.deepStrictEqual([status, stdout], [0, ""], stderr)
    },
    fails: async (name, more) => {
      const { status, stdout, stderr } = await call(name, more)
      assert.strictEqual(status, 1, stdout + stderr)
      return assertError(stdout)
    },
    link: async (more = {}) =>
      (await ipLinks((more.pod ?? pod).name)).find(({ ifname }) => ifname === (more.ifname ?? "net1")),
    [Symbol.asyncDispose]: () => stack.disposeAsync()
  }
}

/** Names of a namespace's links. */
export const names = async (netns: TestNetns): Promise<ReadonlyArray<string>> =>
  (await ipLinks(netns.name)).map(({ ifname }) => ifname).sort()
