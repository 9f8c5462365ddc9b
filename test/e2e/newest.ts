/** The plugin in chains with the newest reference plugins, which Debian has not, called by libcni itself: cnitool. */
import { mkdir, readdir, writeFile } from "node:fs/promises"
import { dirname, join } from "node:path"
import { newestPlugins } from "../cluster/parts/newestPlugins.ts"
import type { Part } from "../cluster/parts/parts.ts"
import { makeFolder } from "../lab/folder.ts"
import { ipAddresses, ipLink } from "../lab/ip.ts"
import { expect, interrupted, Skipped, say, step } from "../lab/long/report.ts"
import { inOwnMounts } from "../lab/mounts.ts"
import { makeHost, makeNetns, type TestHost, type TestNetns } from "../lab/netns.ts"
import { inNetns } from "../lab/plugin.ts"
import { type RunResult, run } from "../lab/run.ts"
import { nodeStatus, tapNode } from "../lab/tap.ts"
import { expectOwnNode } from "./attachment.ts"
import type { Way } from "./way.ts"

interface Place {
  readonly way: Way
  readonly plugins: Part
  readonly folder: string
  readonly host: TestHost
  readonly pod: TestNetns
}

type Verb = "add" | "check" | "del" | "gc" | "status"

/** libcni's cache is the run's own: its folder in a mount namespace is one of ours. */
const cnitool = async ({ way, plugins, folder, host, pod }: Place, verb: Verb, network: string): Promise<RunResult> => {
  const words = inOwnMounts([join(plugins.folder, "cnitool"), verb, network, pod.path], {
    also: ["mkdir /var/lib/cni", `mount --bind ${join(folder, "cache")} /var/lib/cni`]
  })
  const [command = "", ...rest] = inNetns(host.name, words)
  return run(command, rest, {
    env: {
      PATH: process.env["PATH"] ?? "",
      NETCONFPATH: join(folder, "net.d"),
      CNI_PATH: `${dirname(way.program)}:${plugins.folder}`,
      CNI_IFNAME: "net1"
    },
    signal: interrupted
  })
}

/** The same, for what has to succeed; its stdout. */
const succeeds = async (place: Place, verb: Verb, network: string): Promise<string> => {
  const { status, stdout, stderr } = await cnitool(place, verb, network)
  expect(`cnitool ${verb} succeeds`, status === 0, stdout + stderr)
  return stdout
}

const macvtap = (ipam: object): object => ({ type: "macvtap", master: "eth0", mode: "bridge", ipam })

const tuning = { type: "tuning", mtu: 1300, sysctl: { "net.ipv4.conf.IFNAME.arp_announce": "2" } }

/** The network's name is this run's alone: GC takes its links in every namespace of the machine. */
const writeNetwork = async (place: Place, kind: string, ...plugins: ReadonlyArray<object>): Promise<string> => {
  const name = `newest-${kind}-${process.pid}`
  const list = { cniVersion: "1.1.0", name, plugins }
  await writeFile(join(place.folder, "net.d", `${name}.conflist`), JSON.stringify(list))
  return name
}

const localNetwork = (place: Place, kind: string): Promise<string> => {
  const ranges = [[{ subnet: "10.61.0.0/24" }], [{ subnet: "fd61::/64" }]]
  const routes = [{ dst: "10.62.0.0/16", gw: "10.61.0.1" }]
  const ipam = { type: "host-local", dataDir: join(place.folder, "ipam"), ranges, routes }
  return writeNetwork(place, kind, macvtap(ipam), tuning)
}

/** Files that host-local keeps, one for each address that it gave. */
const leases = async ({ folder }: Place, network: string): Promise<ReadonlyArray<string>> =>
  (await readdir(join(folder, "ipam", network)).catch(() => [])).filter((file) => /^[0-9a-f.:]+$/.test(file))

/** ADD; what `ip` shows has the addresses, the mode, tuning's MTU, and a node of its own. The node's path. */
const added = async (place: Place, network: string, addresses: ReadonlyArray<RegExp>, mtu: number): Promise<string> => {
  const result = JSON.parse(await succeeds(place, "add", network)) as { ips: ReadonlyArray<{ address: string }> }
  const link = await ipLink(place.pod.name, "net1")
  if (link === undefined) throw new Error("ip shows no net1")
  const shown = (await ipAddresses(place.pod.name, "net1")).map(({ local, prefixlen }) => `${local}/${prefixlen}`)
  for (const [at, wanted] of addresses.entries()) {
    const said = result.ips[at]?.address ?? ""
    expect(`address ${at + 1} is ${wanted}, and on the link`, wanted.test(said) && shown.includes(said), shown)
  }
  const { linkinfo } = link
  expect("it is a macvtap in bridge mode", linkinfo?.info_data?.["mode"] === "bridge", linkinfo)
  expect(`its MTU is ${mtu}`, link.mtu === mtu, link.mtu)
  await expectOwnNode(place.pod.name, link)
  return tapNode(link)
}

const gone = async (place: Place, node: string, network: string): Promise<void> => {
  expect("net1 is gone", (await ipLink(place.pod.name, "net1")) === undefined)
  expect(`${node} is gone`, (await nodeStatus(node)) === undefined)
  const kept = await leases(place, network)
  expect("host-local has nothing reserved", kept.length === 0, kept)
}

const withHostLocal = async (place: Place): Promise<void> => {
  const network = await localNetwork(place, "local")
  await succeeds(place, "status", network)
  const node = await added(place, network, [/^10\.61\.0\.\d+\/24$/, /^fd61::\w+\/64$/], 1300)
  await succeeds(place, "check", network)
  expect("host-local reserved an address of each family", (await leases(place, network)).length === 2)
  await succeeds(place, "del", network)
  await gone(place, node, network)
  await succeeds(place, "del", network)
}

const withStatic = async (place: Place): Promise<void> => {
  const addresses = [{ address: "10.61.1.10/24", gateway: "10.61.1.1" }, { address: "fd61:1::10/64" }]
  const network = await writeNetwork(place, "static", macvtap({ type: "static", addresses }))
  await succeeds(place, "status", network)
  const node = await added(place, network, [/^10\.61\.1\.10\/24$/, /^fd61:1::10\/64$/], 1500)
  await succeeds(place, "check", network)
  await succeeds(place, "del", network)
  await gone(place, node, network)
}

/** libcni hands CHECK's refusal on, and its GC without a list takes everything that the network has. */
const checkedAndCollected = async (place: Place): Promise<void> => {
  const network = await localNetwork(place, "collected")
  const node = await added(place, network, [/^10\.61\.0\.\d+\/24$/, /^fd61::\w+\/64$/], 1300)
  await place.pod.ip("address flush dev net1 scope global")
  const { status, stderr } = await cnitool(place, "check", network)
  expect("cnitool check refuses a link that lost its address", status !== 0 && stderr.includes("10.61.0."), stderr)
  say(stderr.trim().split("\n").pop() ?? "")
  await succeeds(place, "gc", network)
  await gone(place, node, network)
}

const notReady = async (place: Place): Promise<void> => {
  const network = await writeNetwork(place, "nowhere", { ...macvtap({ type: "static" }), master: "eth7" })
  const { status, stderr } = await cnitool(place, "status", network)
  expect("cnitool status names the master", status !== 0 && stderr.includes("eth7"), stderr)
  say(stderr.trim().split("\n").pop() ?? "")
}

/** All of it, in a folder and namespaces of its own. */
export const newest = async (way: Way): Promise<void> => {
  const plugins = await newestPlugins()
  if (typeof plugins === "string") throw new Skipped(plugins)
  await using folder = await makeFolder("macvtap-cni-newest")
  for (const name of ["net.d", "cache"]) await mkdir(join(folder.path, name))
  await using host = await makeHost("e2-host")
  await using pod = await makeNetns("e2-pod")
  const place: Place = { way, plugins, folder: folder.path, host, pod }
  const beside = (name: string): string => `STATUS, ADD, CHECK, DEL by cnitool, with ${name} ${plugins.version}`
  await step(beside("host-local and tuning"), () => withHostLocal(place))
  await step(beside("static"), () => withStatic(place))
  await step("CHECK by cnitool of a changed link, and GC", () => checkedAndCollected(place))
  await step("STATUS by cnitool where the master is missing", () => notReady(place))
}
