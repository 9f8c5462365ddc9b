/** Real containers: podman with its CNI backend and runc, on networks that the plugin makes. */
import { access, readdir, readFile } from "node:fs/promises"
import { basename, join } from "node:path"
import { startDaemon } from "../lab/daemon.ts"
import { makeFolder } from "../lab/folder.ts"
import { ipAddresses, ipLink, ipLinks } from "../lab/ip.ts"
import { install } from "../lab/long/debian.ts"
import { keepAbsent } from "../lab/long/leftovers.ts"
import { expect, interrupted, Skipped, say, step } from "../lab/long/report.ts"
import { makeHost, makeNetns, type TestHost, type TestNetns } from "../lab/netns.ts"
import { debianPlugins, inNetns } from "../lab/plugin.ts"
import { until } from "../lab/run.ts"
import { tapNode } from "../lab/tap.ts"
import { expectOwnNode } from "./attachment.ts"
import { makePodman, type Podman } from "./podman.ts"
import type { Way } from "./way.ts"

/** A container that runs, as `ip` sees it from outside. */
interface Running {
  readonly name: string
  readonly netns: string
  readonly address: string
  readonly node: string
}

interface Place {
  readonly podman: Podman
  readonly folder: string
  readonly host: TestHost
  readonly wire: TestNetns
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false
  )

const inspect = async (podman: Podman, name: string): Promise<Running> => {
  const { stdout } = await podman.run("inspect", "--format", "{{.NetworkSettings.SandboxKey}}", name)
  const netns = basename(stdout.trim())
  const link = await ipLink(netns, "eth0")
  if (link === undefined) throw new Error(`${name} has no eth0`)
  expect(`${name} has a macvtap eth0`, link.linkinfo?.info_kind === "macvtap", link.linkinfo)
  expect("its mode is bridge", link.linkinfo?.info_data?.["mode"] === "bridge", link.linkinfo?.info_data)
  expect("it is up", link.flags.includes("UP"), link.flags)
  await expectOwnNode(netns, link)
  const address = (await ipAddresses(netns, "eth0")).find((a) => a.family === "inet")
  if (address === undefined) throw new Error(`${name} has no IPv4 address`)
  return { name, netns, address: address.local, node: tapNode(link) }
}

const start = async (place: Place, name: string, network: string): Promise<Running> => {
  const { status, stderr } = await place.podman.start(name, network)
  expect(`podman starts ${name}`, status === 0, stderr)
  const running = await inspect(place.podman, name)
  say(`${name}: ${running.address} on ${network}, tap node ${running.node}`)
  return running
}

/** `podman rm`, and then: no namespace, no tap node, nothing new on the host. */
const remove = async (place: Place, ...containers: ReadonlyArray<Running>): Promise<void> => {
  const { status, stderr } = await place.podman.run("rm", "--force", "--time", "0", ...containers.map((c) => c.name))
  expect("podman rm succeeds without a word", status === 0 && stderr === "", stderr)
  for (const { netns, node } of containers) {
    expect(`${netns} is gone`, !(await exists(`/run/netns/${netns}`)))
    expect(`${node} is gone`, !(await exists(node)))
  }
  const links = (await ipLinks(place.host.name)).map((link) => link.ifname).sort()
  expect("the host has its own links and no other", links.join() === "eth0,lo", links)
}

const ping = async (place: Place, from: Running, to: string): Promise<void> => {
  const { status, stdout } = await place.podman.run("exec", from.name, "ping", "-c", "2", "-W", "3", to)
  expect(`${from.name} reaches ${to}`, status === 0, stdout)
}

/** Two containers, one on each network (or both on one): they reach each other and the wire, and leave nothing. */
const pair = async (place: Place, networks: readonly [string, string], look?: (a: Running) => Promise<void>) => {
  const a = await start(place, `${networks[0]}-1`, networks[0])
  const b = await start(place, `${networks[1]}-2`, networks[1])
  expect("each has an address of its own", a.address !== b.address, a.address)
  expect("each has a tap node of its own", a.node !== b.node, a.node)
  await ping(place, a, b.address)
  await ping(place, b, a.address)
  await ping(place, a, a.address.replace(/\.\d+$/, ".1"))
  await look?.(a)
  await remove(place, a, b)
}

const macvtap = (ipam: object): Record<string, unknown> => ({ type: "macvtap", master: "eth0", mode: "bridge", ipam })

const staticAt = (address: string) => macvtap({ type: "static", addresses: [{ address, gateway: "10.60.0.1" }] })

const network = (name: string, ...plugins: ReadonlyArray<object>) => ({ cniVersion: "0.4.0", name, plugins })

/** host-local keeps a file for each address that it gave, named after it. */
const reserved = async (place: Place, name: string): Promise<ReadonlyArray<string>> =>
  (await readdir(join(place.folder, "ipam", name)).catch(() => [])).filter((file) => /^[0-9a-f.:]+$/.test(file))

const staticAddresses = async (place: Place): Promise<void> => {
  await place.podman.network(network("static-a", staticAt("10.60.0.10/24")))
  await place.podman.network(network("static-b", staticAt("10.60.0.11/24")))
  await pair(place, ["static-a", "static-b"])
}

const hostLocal = (place: Place, third: string) =>
  macvtap({
    type: "host-local",
    dataDir: join(place.folder, "ipam"),
    ranges: [[{ subnet: `10.60.${third}.0/24`, gateway: `10.60.${third}.1` }], [{ subnet: `fd60:${third}::/64` }]],
    routes: [{ dst: "0.0.0.0/0" }]
  })

const hostLocalAddresses = async (place: Place): Promise<void> => {
  await place.podman.network(network("local", hostLocal(place, "1")))
  await pair(place, ["local", "local"], async (a) => {
    expect("host-local reserved two of each family", (await reserved(place, "local")).length === 4)
    const { status, stdout } = await place.podman.run(
      "exec",
      "local-2",
      "ping",
      "-6",
      "-c",
      "2",
      "-W",
      "3",
      await v6(a)
    )
    expect("they reach each other over IPv6", status === 0, stdout)
  })
  expect(
    "host-local has nothing reserved",
    (await reserved(place, "local")).length === 0,
    await reserved(place, "local")
  )
}

const v6 = async (container: Running): Promise<string> =>
  (await ipAddresses(container.netns, "eth0")).find((a) => a.family === "inet6" && a.scope === "global")?.local ?? ""

const chained = async (place: Place): Promise<void> => {
  const tuning = { type: "tuning", mtu: 1300, sysctl: { "net.ipv4.conf.IFNAME.arp_announce": "2" } }
  await place.podman.network(network("chain", hostLocal(place, "2"), tuning))
  await pair(place, ["chain", "chain"], async (a) => {
    const mtu = (await ipLink(a.netns, "eth0"))?.mtu
    expect("tuning has set the MTU of the macvtap", mtu === 1300, mtu)
  })
  expect("host-local has nothing reserved", (await reserved(place, "chain")).length === 0)
}

/** Debian's dhcp daemon on the host, a dnsmasq behind the wire. */
const dhcpAddresses = async (place: Place): Promise<void> => {
  const leases = join(place.folder, "leases")
  const socket = join(place.folder, "dhcp.sock")
  const [nsenter = "", ...dnsmasq] = inNetns(place.wire.name, [
    // biome-ignore format: one option a line
    "dnsmasq",
    "--keep-in-foreground",
    "--conf-file=/dev/null",
    "--port=0",
    "--interface=wire0",
    "--bind-interfaces",
    "--dhcp-range=10.60.0.100,10.60.0.150,255.255.255.0,10m",
    `--dhcp-leasefile=${leases}`,
    "--log-facility=-",
    "--dhcp-no-override",
    "--dhcp-authoritative",
    "--no-ping",
    `--pid-file=${leases}.pid`,
    "--user=root"
  ])
  await using server = startDaemon(nsenter, dnsmasq, { signal: interrupted })
  await server.line(/started|DHCP, IP range/, 5_000)
  const [, ...daemon] = inNetns(place.host.name, [
    // biome-ignore format: one option a line
    join(debianPlugins, "dhcp"),
    "daemon",
    "-socketpath",
    socket,
    "-pidfile",
    `${socket}.pid`
  ])
  await using client = startDaemon(nsenter, daemon, { signal: interrupted })
  await until("the dhcp daemon listens", () => exists(socket), 5_000)
  await place.podman.network(network("dhcp", macvtap({ type: "dhcp", daemonSocketPath: socket })))
  try {
    await pair(place, ["dhcp", "dhcp"])
  } catch (error) {
    const said = [...server.lines, ...client.lines].join("\n")
    throw new Error(`${error instanceof Error ? error.message : error}\ndnsmasq and dhcp said:\n${said}`)
  }
  await until("dnsmasq has its leases back", async () => (await readFile(leases, "utf8")).trim() === "", 5_000)
}

/** What a person reads when the network cannot be: podman passes the plugin's words on, and nothing is left. */
const refused = async (place: Place): Promise<void> => {
  await place.podman.network(network("nowhere", { ...hostLocal(place, "3"), master: "eth7" }))
  const { status, stderr } = await place.podman.start("nowhere-1", "nowhere")
  expect("podman refuses", status !== 0)
  expect("the error names the master", stderr.includes("eth7"), stderr)
  say(stderr.trim().split("\n").pop() ?? "")
  await place.podman.run("rm", "--force", "nowhere-1")
  expect("host-local has nothing reserved", (await reserved(place, "nowhere")).length === 0)
}

/** All of it, in a folder and namespaces of its own. */
export const containers = async (way: Way): Promise<void> => {
  await install({
    podman: "/usr/bin/podman",
    runc: "/usr/sbin/runc",
    "containernetworking-plugins": `${debianPlugins}/host-local`,
    "dnsmasq-base": "/usr/sbin/dnsmasq",
    "busybox-static": "/bin/busybox"
  })
  await using _made = keepAbsent("/run/runc", "/run/cni", "/run/crun", "/var/lib/cni", "/var/lib/containers")
  await using folder = await makeFolder("macvtap-cni-e2e")
  await using wire = await makeNetns("e2-wire")
  await using host = await makeHost("e2-host", wire)
  for (const third of ["0", "1", "2"]) await wire.ip(`addr add 10.60.${third}.1/24 dev wire0`)
  await using podman = await makePodman(folder.path, host, way)
  const place: Place = { podman, folder: folder.path, host, wire }
  const probe = await podman.start("probe", "none")
  if (probe.status !== 0) throw new Skipped(`podman starts no container on this machine: ${probe.stderr.trim()}`)
  await podman.run("rm", "--force", "--time", "0", "probe")
  await step("two containers with static addresses", () => staticAddresses(place))
  await step("two containers with host-local addresses, both families", () => hostLocalAddresses(place))
  await step("two containers on a chain of macvtap and tuning", () => chained(place))
  await step("two containers with addresses from a DHCP server behind the wire", () => dhcpAddresses(place))
  await step("a network that cannot be is refused, in words", () => refused(place))
}
