/** A scenario as a kernel, a configuration and an environment. */

import { candidates } from "../../../src/cni/identity/ifindex.ts"
import { deviceIndex } from "../../../src/devices/deviceID.ts"
import { deviceName } from "../../../src/devices/deviceName.ts"
import { defaultStateFolder, nodePath } from "../../../src/devices/resources.ts"
import { macvlan } from "../../../src/link/macvlan.ts"
import { macvtap } from "../../../src/link/macvtap.ts"
import { answered, type DelegatePlugin } from "../../../src/mock/hostLocal.ts"
import { type Kernel, makeKernel } from "../../../src/mock/Kernel.ts"
import { deviceOf } from "../../../src/mock/kernel/taps.ts"
import type { Invocation } from "../../lab/call/onMock.ts"
import { isImport, type Scenario } from "./scenario.ts"

export const sandbox = "/var/run/netns/c1"
const path = "/run/netns/c1"
const other = "/run/netns/c2"

export const deviceMac = "02:de:00:00:00:01"
export const reserved = { resource: "dataplane", ordinal: 3 }

export const macs = {
  runtimeConfig: "02:00:00:00:00:0a",
  args: "02:00:00:00:00:0b",
  CNI_ARGS: "02:00:00:00:00:0c",
  mac: "02:00:00:00:00:0d"
} as const

const addresses = {
  v4: [{ address: "10.9.0.5/24", gateway: "10.9.0.1" }],
  v6: [{ address: "fd00:9::5/64", gateway: "fd00:9::1" }],
  both: [
    { address: "10.9.0.5/24", gateway: "10.9.0.1" },
    { address: "fd00:9::5/64", gateway: "fd00:9::1" }
  ],
  /** A host's own, and no gateway. */
  bare: [{ address: "10.9.0.5/32" }, { address: "fd00:9::5/128" }]
} as const

const routesOf = ({ ipam }: Scenario): ReadonlyArray<object> => {
  const ipv4 = [
    { dst: "0.0.0.0/0" },
    { dst: "10.20.0.0/16", gw: "10.9.0.7", mtu: 1300, advmss: 1200, priority: 50 },
    { dst: "10.30.0.0/16", gw: "10.9.0.1", table: 100 },
    { dst: "10.9.8.0/24", gw: "10.9.0.1", scope: 0 }
  ]
  const ipv6 = [
    { dst: "::/0", gw: "fd00:9::1" },
    { dst: "fd00:20::/48", gw: "fd00:9::7", mtu: 1300, priority: 50 },
    { dst: "fd00:30::/48", table: 100 }
  ]
  const bare = [{ dst: "10.9.0.1/32", scope: 253 }, { dst: "10.40.0.0/16" }, { dst: "fd00:40::/48" }]
  return ipam === "bare" ? bare : [...(ipam === "v6" ? [] : ipv4), ...(ipam === "v4" ? [] : ipv6)]
}

/** An IPAM plugin that gives the scenario's addresses, and remembers to whom. */
const ipamOf =
  (scenario: Scenario): DelegatePlugin =>
  ({ env }, reservations) => {
    const containerID = env["CNI_CONTAINERID"] ?? ""
    const ifname = env["CNI_IFNAME"] ?? ""
    const mine = reservations.findIndex((one) => one.containerID === containerID && one.ifname === ifname)
    switch (env["CNI_COMMAND"]) {
      case "ADD": {
        const ips = addresses[scenario.ipam ?? "v4"]
        reservations.push({ network: scenario.name, containerID, ifname, addresses: ips.map(({ address }) => address) })
        return answered(scenario.cniVersion, ips, scenario.routes ? routesOf(scenario) : [])
      }
      case "DEL":
        if (mine >= 0) reservations.splice(mine, 1)
        return { stdout: "" }
      case "CHECK":
        return mine >= 0 ? { stdout: "" } : { stdout: JSON.stringify({ code: 999, msg: "not reserved" }), status: 1 }
      default:
        return { stdout: "" }
    }
  }

const kindOf = ({ kind }: Scenario) => (kind === "macvtap" ? macvtap : macvlan)

export const deviceIDOf = ({ source }: Scenario): string | undefined =>
  source === "host" || source === "container" ? undefined : source === "device" ? "dev0" : "dataplaneMvp3"

/** The node before the call. */
export const makeWorld = (scenario: Scenario): Kernel => {
  const kernel = makeKernel({ devtmpfs: scenario.devtmpfs, sysfs: scenario.sysfs })
  kernel.addLink({ name: "eth0", index: 2, mac: "02:ee:00:00:00:01" })
  kernel.addLink({ name: "eth1", index: 3 })
  const host = kernel.inside()
  host.addressAdd("eth0", { family: 4, address: "192.168.1.2", prefix: 24 })
  host.routeAdd({ family: 4, dst: "0.0.0.0", prefix: 0, gw: "192.168.1.1", dev: 2 })
  kernel.addNetns(path)
  kernel.addNetns(other)
  kernel.addVeth({ name: "veth1" }, { netns: path, name: "eth0", index: 2 })
  const pod = kernel.inside(path)
  pod.addressAdd("eth0", { family: 4, address: "10.244.0.7", prefix: 24 })
  pod.routeAdd({ family: 4, dst: "0.0.0.0", prefix: 0, gw: "10.244.0.1", dev: 2, priority: 900 })
  pod.addressAdd("eth0", { family: 6, address: "fd00:244::7", prefix: 64 })
  if (scenario.ipv6Disabled) pod.sysctlSet("net/ipv6/conf/default/disable_ipv6", "1")

  if (scenario.neighbour) kernel.inside().linkAdd({ kind: macvtap, name: "tap9", parent: 2, up: true })
  const [first = 0] = candidates(scenario.containerID, scenario.ifname, 1)
  if (scenario.firstIndex === "stale node") {
    kernel.addNode(`/dev/tap${first}`, { device: "246:77", owner: 0, group: 0, mode: 0o600 })
  }
  if (scenario.firstIndex === "another pod's link") {
    kernel.addLink({ netns: other, name: "eth0", index: 2 })
    kernel.inside(other).linkAdd({ kind: macvtap, name: "net1", parent: 2, index: first })
  }
  if (isImport(scenario)) {
    host.linkAdd({
      kind: kindOf(scenario),
      name: scenario.source === "device" ? "dev0" : deviceName("dataplaneMvp3"),
      parent: 2,
      mac: deviceMac,
      mtu: scenario.deviceMtu,
      up: scenario.deviceUp,
      options: { mode: scenario.deviceMode },
      ...(scenario.source === "standalone" ? { index: deviceIndex(reserved) } : {})
    })
    if (scenario.source === "device") host.linkSet("dev0", { alias: "somebody's note" })
  }
  if (scenario.source === "reserved" || scenario.source === "standalone") {
    kernel.machine.stateFolder.resources = {
      dataplane: {
        lowerDevice: "eth0",
        mode: scenario.deviceMode,
        capacity: 10,
        standalone: scenario.source === "standalone"
      }
    }
  }
  if (scenario.source === "standalone") {
    const [device] = [...kernel.machine.host.links.values()].filter(({ index }) => index === deviceIndex(reserved))
    const number = device === undefined ? undefined : deviceOf(device)
    const node = nodePath(defaultStateFolder, "dataplaneMvp3")
    if (number) kernel.machine.stateFolder.nodes.set(node, { device: number, owner: 107, group: 107, mode: 0o660 })
  }
  kernel.plugins.set("ipam", ipamOf(scenario))
  return kernel
}

const shout = (value: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(value).map(([key, member]) => [key.toUpperCase(), member]))

const prevResultOf = ({ cniVersion }: Scenario): object =>
  /^0\.[12]/.test(cniVersion)
    ? { cniVersion, ip4: { ip: "10.244.0.7/24", gateway: "10.244.0.1" }, dns: {} }
    : {
        cniVersion,
        interfaces: [{ name: "veth1" }, { name: "eth0", mac: "02:0e:0e:0e:0e:0e", sandbox }],
        ips: [
          {
            ...(cniVersion.startsWith("0.") ? { version: "4" } : {}),
            address: "10.244.0.7/24",
            gateway: "10.244.0.1",
            interface: 1
          }
        ],
        routes: [{ dst: "0.0.0.0/0", gw: "10.244.0.1" }],
        dns: { nameservers: ["10.96.0.10"] }
      }

const wants = ({ macFrom }: Scenario, from: keyof typeof macs): boolean => macFrom === from || macFrom === "all"

/** The network's configuration as a runtime gives it to ADD. */
export const configurationOf = (scenario: Scenario): Record<string, unknown> => {
  const { source } = scenario
  const deviceID = deviceIDOf(scenario)
  const configuration = {
    cniVersion: scenario.cniVersion,
    name: scenario.name,
    type: scenario.saidBy === "type" ? scenario.kind : "renamed",
    ...(scenario.withMaster ? { master: "eth0" } : {}),
    mode: scenario.mode,
    ...(scenario.mode === "source" ? { sourceMACs: ["02-00-00-00-00-BB", "02:00:00:00:00:aa"] } : {}),
    mtu: scenario.mtu,
    promiscMode: scenario.promiscMode,
    allmulti: scenario.allmulti,
    owner: scenario.owner,
    group: scenario.group,
    bcqueuelen: scenario.bcqueuelen,
    linkInContainer: source === "container",
    ...(scenario.dns ? { dns: { nameservers: ["1.1.1.1"], search: ["example.org"] } } : {}),
    ...(scenario.ipam === undefined ? {} : { ipam: { type: "ipam" } }),
    ...(source === "device" ? { runtimeConfig: { deviceID }, deviceID: "overruled" } : { deviceID }),
    ...(wants(scenario, "mac") ? { mac: macs.mac } : {}),
    ...(wants(scenario, "args") ? { args: { cni: { mac: macs.args } } } : {}),
    capabilities: { mac: true, deviceID: true },
    unknown: { key: [null, 1] },
    ...(scenario.chained ? { prevResult: prevResultOf(scenario) } : {})
  }
  const { runtimeConfig } = configuration as { runtimeConfig?: object }
  const whole = {
    ...configuration,
    ...(wants(scenario, "runtimeConfig") ? { runtimeConfig: { ...runtimeConfig, mac: macs.runtimeConfig } } : {})
  }
  return scenario.shouted ? shout(whole) : whole
}

export const expectedMac = (scenario: Scenario): string | undefined =>
  (["runtimeConfig", "args", "CNI_ARGS", "mac"] as const)
    .filter((from) => wants(scenario, from))
    .map((from) => macs[from])[0]

/** A call for the scenario's attachment; `more` is laid over the configuration. */
export const invocationOf = (scenario: Scenario, command: string, more: object = {}): Invocation => ({
  program: scenario.saidBy === "program" ? scenario.kind : "anything",
  env: {
    CNI_COMMAND: command,
    CNI_CONTAINERID: scenario.containerID,
    CNI_NETNS: sandbox,
    CNI_IFNAME: scenario.ifname,
    CNI_PATH: "/opt/cni/bin",
    CNI_ARGS: `K8S_POD_NAME=web;IgnoreUnknown=1;FOO=${wants(scenario, "CNI_ARGS") ? `;MAC=${macs.CNI_ARGS}` : ""}`
  },
  stdin: { ...configurationOf(scenario), ...more }
})
