/** The manual test of the first macvtap-cni: a macvtap made beforehand by `ip link` is given to a container. */
import { type IpLink, ipLink } from "../lab/ip.ts"
import { expect, say, step } from "../lab/long/report.ts"
import { makeHost, makeNetns, type TestHost } from "../lab/netns.ts"
import { attachmentEnv, callPlugin } from "../lab/plugin.ts"
import { nodeStatus, tapNode } from "../lab/tap.ts"
import { attach } from "./attachment.ts"
import type { Way } from "./way.ts"

/** The manual test's, and a version: without one it would be 0.1.0, whose results cannot say a link without addresses. */
const config = {
  cniVersion: "0.3.1",
  name: "mynet",
  type: "macvtap",
  master: "eth0",
  mode: "bridge",
  mtu: 1500,
  deviceID: "macvtap0"
}

const mac = "02:03:04:05:06:07"

const makeDevice = async (host: TestHost): Promise<IpLink> => {
  await host.ip("link add link eth0 name macvtap0 type macvtap mode bridge")
  const link = await ipLink(host.name, "macvtap0")
  if (link === undefined) throw new Error("ip link add made no macvtap0")
  say(`macvtap0 on the host: ${link.address}, ${tapNode(link)}`)
  return link
}

const seedFlow = async (way: Way): Promise<void> => {
  await using host = await makeHost("e2-host")
  await using pod = await makeNetns("e2-ns1")
  const before = await makeDevice(host)
  const taken = await attach({ way, host, pod, ifname: "eth2", config, args: `IgnoreUnknown=1;MAC=${mac}` })
  say(`eth2 in the container: ${taken.link.address}, mtu ${taken.link.mtu}, ${taken.node}, alias ${taken.link.ifalias}`)
  expect("it is a macvtap", taken.link.linkinfo?.info_kind === "macvtap", taken.link.linkinfo)
  expect("it has the MAC that was asked for", taken.link.address === mac, taken.link.address)
  expect("it is up", taken.link.flags.includes("UP"), taken.link.flags)
  expect("macvtap0 has left the host", (await ipLink(host.name, "macvtap0")) === undefined)
  if (tapNode(before) !== taken.node) expect("its old node is gone", (await nodeStatus(tapNode(before))) === undefined)
  await taken.del()
}

/** The container has a link of the device's ifindex: the kernel gives the device another, and the node has to follow. */
const collidingIndex = async (way: Way): Promise<void> => {
  await using host = await makeHost("e2-host")
  await using pod = await makeNetns("e2-ns1")
  const before = await makeDevice(host)
  await pod.ip(`link add other0 index ${before.ifindex} type veth peer name other1`)
  const taken = await attach({ way, host, pod, ifname: "eth2", config })
  await taken.del()
  expect("the container keeps its own link", (await ipLink(pod.name, "other0")) !== undefined)
}

const putBack = async (way: Way): Promise<void> => {
  await using host = await makeHost("e2-host")
  await using pod = await makeNetns("e2-ns1")
  await makeDevice(host)
  await host.ip("link set macvtap0 mtu 1400")
  const before = await ipLink(host.name, "macvtap0")
  const { status, stdout } = await callPlugin({
    executable: way.program,
    host: host.name,
    stdin: {
      ...config,
      ipam: {
        type: "static",
        addresses: [{ address: "10.60.0.9/24" }],
        routes: [{ dst: "10.9.0.0/16", gw: "10.8.0.1" }]
      }
    },
    env: attachmentEnv("ADD", {
      containerID: pod.name,
      netns: pod.path,
      ifname: "eth2",
      args: `IgnoreUnknown=1;MAC=${mac}`
    })
  })
  expect("a gateway out of reach fails ADD, by its name", status !== 0 && stdout.includes("10.8.0.1"), stdout)
  say(String(JSON.parse(stdout).msg))
  const after = await ipLink(host.name, "macvtap0")
  for (const key of ["ifname", "address", "mtu", "flags", "ifalias", "linkinfo"] as const) {
    expect(`${key} is as before`, JSON.stringify(after?.[key]) === JSON.stringify(before?.[key]), [
      before?.[key],
      after?.[key]
    ])
  }
  expect("the container has no eth2", (await ipLink(pod.name, "eth2")) === undefined)
}

const refused = async (way: Way): Promise<void> => {
  await using host = await makeHost("e2-host")
  await using pod = await makeNetns("e2-ns1")
  await host.ip("link add link eth0 name vlan0 type macvlan")
  for (const deviceID of ["eth0", "wire0", "vlan0"]) {
    const { status, stdout } = await callPlugin({
      executable: way.program,
      host: host.name,
      stdin: { ...config, deviceID },
      env: attachmentEnv("ADD", { containerID: pod.name, netns: pod.path, ifname: "eth2" })
    })
    expect(`${deviceID} is refused by name`, status !== 0 && stdout.includes(deviceID), stdout)
    say(String(JSON.parse(stdout).msg))
    expect(`${deviceID} stays where it is`, (await ipLink(host.name, deviceID)) !== undefined)
  }
}

export const deviceImport = async (way: Way): Promise<void> => {
  await step("the first macvtap-cni's manual test", () => seedFlow(way))
  await step("a device whose ifindex the container already has", () => collidingIndex(way))
  await step("a failed ADD puts the device back as it was", () => putBack(way))
  await step("a veth or a macvlan is no such device", () => refused(way))
}
