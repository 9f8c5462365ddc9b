/** A node in memory: a kernel with containers that have links of ours, and files below a folder. */
import { join } from "node:path"
import * as Effect from "effect/Effect"
import { encodeAlias, type LinkOwner } from "../../../src/cni/identity/alias.ts"
import {
  hostLinkAlias,
  hostLinkMac,
  hostLinkName,
  hostRouteMetric,
  hostRouteProtocol
} from "../../../src/cni/identity/hostAccess.ts"
import { macvlan } from "../../../src/link/macvlan.ts"
import { macvtap } from "../../../src/link/macvtap.ts"
import { type Kernel, type KernelOptions, makeKernel } from "../../../src/mock/Kernel.ts"
import { mockLayer } from "../../../src/mock/layer.ts"
import { NetlinkService } from "../../../src/services/NetlinkService.ts"
import { NetnsService } from "../../../src/services/NetnsService.ts"
import { makeFolder } from "../folder.ts"
import { runTool, type Said, writeBelow } from "./tool.ts"

export interface Attachment extends LinkOwner {
  /** A namespace that is there. */
  readonly netns: string
  readonly index: number
  readonly kind?: "macvtap" | "macvlan"
  readonly mode?: string
  readonly mac?: string
  /** In place of the attachment's own. */
  readonly alias?: string
}

export interface Scene extends AsyncDisposable {
  readonly kernel: Kernel
  /** The node's files. */
  readonly root: string
  readonly write: (path: string, text: string) => Promise<string>
  /** A link of ours on the host's eth0, in a container's namespace. */
  readonly attach: (attachment: Attachment) => Promise<void>
  /** The host's own link on eth0, with a route for each attachment's address, as `"hostAccess": true` makes them. */
  readonly giveHostAccess: (routes: Readonly<Record<string, LinkOwner>>) => Promise<string>
  /** libcni's cache entry of an attachment, with its namespace if it is attached by then. */
  readonly remember: (
    owner: LinkOwner,
    cniArgs: ReadonlyArray<readonly [string, string]>,
    folder?: string
  ) => Promise<string>
  /** Runs a tool on it. */
  readonly run: (...argv: ReadonlyArray<string>) => Promise<Said>
}

const attach = Effect.fnUntraced(function* ({ netns, index, mode = "bridge", mac, alias, ...given }: Attachment) {
  const { kind = "macvtap", ...owner } = given
  const { connect } = yield* NetlinkService
  const service = yield* NetnsService
  const host = yield* connect(yield* service.current)
  const container = yield* service.open(netns)
  const parent = yield* host.linkGet("eth0")
  yield* host.linkAdd({
    kind: kind === "macvtap" ? macvtap : macvlan,
    name: owner.ifname,
    parent: parent.index,
    index,
    netns: container,
    options: { mode },
    up: true,
    ...(mac === undefined ? {} : { mac })
  })
  yield* (yield* connect(container)).linkSet(index, { alias: alias ?? encodeAlias(owner) })
}, Effect.scoped)

const giveHostAccess = Effect.fnUntraced(function* (routes: Readonly<Record<string, LinkOwner>>) {
  const host = yield* (yield* NetlinkService).connect(yield* (yield* NetnsService).current)
  const parent = yield* host.linkGet("eth0")
  const name = hostLinkName(parent)
  yield* host.linkAdd({
    kind: macvlan,
    name,
    parent: parent.index,
    mac: hostLinkMac(parent),
    options: { mode: "bridge" }
  })
  const { index: dev } = yield* host.linkGet(name)
  yield* host.linkSet(dev, { alias: hostLinkAlias, up: true })
  for (const [dst, owner] of Object.entries(routes)) {
    const priority = hostRouteMetric(encodeAlias(owner))
    yield* host.routeAdd({ family: 4, dst, prefix: 32, dev, priority, protocol: hostRouteProtocol, scope: 253 })
  }
  return name
}, Effect.scoped)

/** A node whose host has `eth0`, up. No process is seen to run on it but process 1. */
export const makeScene = async (options: KernelOptions = {}): Promise<Scene> => {
  const kernel = makeKernel(options)
  kernel.addLink({ name: "eth0", mac: "02:00:00:00:00:01" })
  const folder = await makeFolder("node")
  const root = folder.path
  const write = (path: string, text: string) => writeBelow(root, path, text)
  await write("proc/1/comm", "init")
  const namespaces = new Map<string, string>()
  return {
    kernel,
    root,
    write,
    attach: (attachment) => {
      namespaces.set(encodeAlias(attachment), attachment.netns)
      return Effect.runPromise(attach(attachment).pipe(Effect.provide(mockLayer(kernel))))
    },
    giveHostAccess: (routes) => Effect.runPromise(giveHostAccess(routes).pipe(Effect.provide(mockLayer(kernel)))),
    remember: (owner, cniArgs, below = "var/lib/cni/results") => {
      const { network: networkName, containerID: containerId, ifname: ifName } = owner
      const config = Buffer.from(JSON.stringify({ type: "macvtap", name: networkName })).toString("base64")
      const netns = namespaces.get(encodeAlias(owner))
      return write(
        join(below, `${networkName}-${containerId}-${ifName}`),
        JSON.stringify({ kind: "cniCacheV1", networkName, containerId, ifName, cniArgs, config, netns })
      )
    },
    run: (name, ...more) => runTool([name ?? "", "--root", root, ...more], { machine: mockLayer(kernel) }),
    [Symbol.asyncDispose]: folder[Symbol.asyncDispose]
  }
}
