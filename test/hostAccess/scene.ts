/** A node with an address of its own and somebody else on the wire, and a network with host access for its pods. */

import { makeNode, type Node, type Program } from "../lab/call/node.ts"
import { makeFolder } from "../lab/folder.ts"
import { ipLinks } from "../lab/ip.ts"
import type { TestNetns } from "../lab/netns.ts"
import { must, run } from "../lab/run.ts"

export interface Scene extends Node {
  /** A configuration to lay over the node's: addresses from .10 on, of both families or of those that are asked for. */
  readonly conf: (families?: ReadonlyArray<4 | 6>) => Readonly<Record<string, unknown>>
}

export const node4 = "192.0.2.1"
export const node6 = "2001:db8::1"
export const wire4 = "192.0.2.77"
export const wire6 = "2001:db8::77"
/** What host-local allots first. */
export const pod4 = "192.0.2.10"
export const pod6 = "2001:db8::10"

const ranges = {
  4: { subnet: "192.0.2.0/24", rangeStart: pod4, rangeEnd: "192.0.2.74", gateway: wire4 },
  6: { subnet: "2001:db8::/64", rangeStart: pod6, rangeEnd: "2001:db8::ff", gateway: wire6 }
}

export const sysctl = (netns: TestNetns, ...settings: ReadonlyArray<string>): Promise<string> =>
  must("ip", ["netns", "exec", netns.name, "sysctl", "-qw", ...settings])

/** `addresses` false: the master has none. Reverse-path filtering is strict, as distributions set it. */
export const makeScene = async (
  program: Program,
  { addresses = true }: { readonly addresses?: boolean } = {}
): Promise<Scene> => {
  const stack = new AsyncDisposableStack()
  const node = stack.use(await makeNode(program))
  const folder = stack.use(await makeFolder("host-access"))
  await sysctl(node.host, "net.ipv4.conf.all.rp_filter=1", "net.ipv4.conf.default.rp_filter=1")
  if (addresses) {
    await node.host.ip(`addr add ${node4}/24 dev eth0`)
    await node.host.ip(`addr add ${node6}/64 dev eth0 nodad`)
  }
  await node.wire.ip(`addr add ${wire4}/24 dev wire0`)
  await node.wire.ip(`addr add ${wire6}/64 dev wire0 nodad`)
  const conf = (families: ReadonlyArray<4 | 6> = [4, 6]) => ({
    hostAccess: true,
    ipam: {
      type: "host-local",
      dataDir: folder.path,
      ranges: families.map((family) => [ranges[family]]),
      routes: families.map((family) => ({ dst: family === 4 ? "0.0.0.0/0" : "::/0" }))
    },
    cniVersion: "1.0.0"
  })
  return { ...node, conf, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

/** Whether it answers one of three pings. */
export const reaches = async (from: TestNetns, address: string): Promise<boolean> => {
  const ping = ["netns", "exec", from.name, "ping", "-n", "-c", "1", "-W", "1", address]
  for (let tries = 0; tries < 3; tries++) if ((await run("ip", ping)).status === 0) return true
  return false
}

/** The host's links besides those that it has anyway. */
export const hostLinks = async ({ host }: Node) =>
  (await ipLinks(host.name)).filter(({ ifname }) => ifname !== "lo" && ifname !== "eth0")

/** The routes to pods, both families, as ip prints them in one line. */
export const podRoutes = async ({ host }: Node): Promise<ReadonlyArray<string>> => {
  const shown = await Promise.all(["-4", "-6"].map((family) => host.ip(`${family} route show table all proto 109`)))
  return shown
    .join("\n")
    .split("\n")
    .flatMap((line) => (line.trim() === "" ? [] : [line.trim()]))
}
