/** What attacks on taps and devices need: a node whose folders, /run/macvtap-cni among them, are the test's own. */
import { mkdirSync, writeFileSync } from "node:fs"
import { readlink } from "node:fs/promises"
import { assert } from "vitest"
import type { Resource } from "../../src/devices/resources.ts"
import { writeResources } from "../../src/devices/writeResources.ts"
import { type Call, makeNode, type Node, type Program } from "../lab/call/node.ts"
import { makeFolder } from "../lab/folder.ts"
import { inOwnMounts } from "../lab/mounts.ts"
import type { TestNetns } from "../lab/netns.ts"
import { writeCheckpoint } from "../lab/node/checkpoint.ts"
import { domain } from "../lab/node/kubelet.ts"
import { must, run } from "../lab/run.ts"
import { linkDevice } from "../lab/tap.ts"

export interface Scene extends AsyncDisposable {
  readonly node: Node
  readonly folder: string
  readonly state: string
  /** Where it is written down whose a number is. */
  readonly claims: string
  /** What the kubelet's checkpoint says: pod UIDs, and the devices of the resource that each was given. */
  readonly checkpoint: (resource: string, given: Readonly<Record<string, ReadonlyArray<string>>>) => void
}

export const makeScene = async (
  program: Program,
  resources: Readonly<Record<string, Resource>> = {}
): Promise<Scene> => {
  const stack = new AsyncDisposableStack()
  const folder = stack.use(await makeFolder("attack"))
  const at = (name: string): string => `${folder.path}/${name}`
  for (const name of ["state", "run", "kubelet"]) mkdirSync(at(name))
  writeFileSync(at("state/kubelet.json"), JSON.stringify({ version: 1, folder: at("kubelet") }))
  writeResources(at("state"), resources)
  const also = ["mkdir -p /run/macvtap-cni", `mount --bind ${at("run")} /run/macvtap-cni`]
  const node = stack.use(await makeNode(inOwnMounts(program, { state: at("state"), also })))
  return {
    node,
    folder: folder.path,
    state: at("state"),
    claims: at("run/taps"),
    checkpoint: (resource, given) => {
      const entries = Object.entries(given).map(([PodUID, devices]) => ({
        PodUID,
        ContainerName: "c",
        ResourceName: `${domain}/${resource}`,
        DeviceIDs: { "-1": devices },
        AllocResp: ""
      }))
      writeCheckpoint(at("kubelet"), entries)
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync()
  }
}

/** The number of the attachment's tap. */
export const numberOf = async (node: Node, call: Call = {}): Promise<string> => {
  const link = await node.link(call)
  if (link === undefined) assert.fail("there is no link")
  return await linkDevice((call.pod ?? node.pod).name, link)
}

/** `tap<ifindex>` of the link that has the number, in whichever namespace; undefined where none has. */
export const tapBehind = async (number: string): Promise<string | undefined> =>
  (await readlink(`/sys/dev/char/${number}`).catch(() => undefined))?.split("/").at(-1)

/** The number that the kernel gives to the next tap of this machine, as a tap shows that is gone again. */
export const nextNumber = async (node: Node, pod: TestNetns): Promise<string> => {
  await must("ip", `-n ${node.host.name} link add link eth0 name probe netns ${pod.name} type macvtap`.split(" "))
  const number = await numberOf(node, { pod, ifname: "probe" })
  await pod.ip("link del probe")
  return number
}

/** A node of the attacker's own for a number. */
export const keepNode = async (folder: string, number: string): Promise<string> => {
  const path = `${folder}/kept-${number}`
  await must("mknod", [path, "c", ...number.split(":")])
  return path
}

/** What a container reads from the node meanwhile, in hexadecimal; nothing where it cannot be opened. */
export const readMeanwhile = async (path: string, send: () => Promise<unknown>): Promise<string> => {
  const reading = run("sh", ["-c", 'timeout 2 cat "$0" | od -An -v -tx1 | tr -d " \\n"', path])
  await new Promise((resolve) => setTimeout(resolve, 300))
  await send()
  return (await reading).stdout
}
