/** Pods on a macvtap, in every way that the documentation has. */

import { mustInside } from "../node/space.ts"
import { linkOf, linksOf, processOf, remove, run } from "../pods/pods.ts"
import { assert, assertSame, type Check } from "./Check.ts"
import { exchangeFrames } from "./frames.ts"

const isMacvtap = async (pod: string, name = "net1"): Promise<string> => {
  const { linkinfo, operstate, address } = await linkOf(pod, name)
  assertSame(
    `${pod}'s ${name}`,
    [linkinfo?.info_kind, linkinfo?.info_data?.mode, operstate],
    ["macvtap", "bridge", "UP"]
  )
  return address
}

const withMaster: Check = {
  name: "network with master",
  claim: "A pod on a network that names its master has a macvtap with an address of its IPAM, and reaches the world.",
  prove: async () => {
    await run({ name: "by-master", networks: ["by-master"] })
    const mac = await isMacvtap("by-master")
    const address = (await linkOf("by-master")).addr_info.find(({ scope }) => scope === "global")?.local ?? ""
    assert(address.startsWith("10.90.0."), `the pod's address is ${address}`)
    const target = await processOf("by-master")
    await mustInside(["nsenter", "--target", target, "--net", "ping", "-c1", "-W5", "-I", "net1", "10.90.0.1"]).catch(
      () =>
        mustInside(["nsenter", "--target", target, "--net", "busybox", "ping", "-c1", "-W5", "-I", "net1", "10.90.0.1"])
    )
    await remove("by-master")
    return `net1 ${mac} ${address}; 10.90.0.1 behind the node answers its ping`
  }
}

const withResource: Check = {
  name: "network with resource",
  short: true,
  claim:
    "User 107 without any capability opens its tap; its frame arrives on the wire behind the node, and the answer comes back.",
  prove: async () => {
    await run({ name: "resource", networks: ["lan"], devices: { lan: 1 }, user: 107 })
    await isMacvtap("resource")
    const evidence = await exchangeFrames("resource", "net1", "10.90.0.31")
    await remove("resource")
    return evidence
  }
}

const twoDevices: Check = {
  name: "two devices",
  claim: "A pod with two networks of one resource has two links, and each tap is its own link's.",
  prove: async () => {
    await run({ name: "two", networks: ["lan", "lan"], devices: { lan: 2 }, user: 107 })
    const first = await exchangeFrames("two", "net1", "10.90.0.32")
    const second = await exchangeFrames("two", "net2", "10.90.0.33")
    await remove("two")
    return `${first}; ${second}`
  }
}

const macByAnnotation: Check = {
  name: "MAC by annotation",
  claim: "The MAC address of the pod's annotation is the link's from its first moment on.",
  prove: async () => {
    const mac = "02:23:45:67:89:01"
    await run({ name: "mac", networks: [{ name: "lan", mac }], devices: { lan: 1 } })
    assertSame("the link's address", await isMacvtap("mac"), mac)
    await remove("mac")
    return `ip shows ${mac}`
  }
}

const addresses: Check = {
  name: "resource and IPAM",
  short: true,
  claim: "A network with a resource and IPAM gives the link an address, and takes it back.",
  prove: async () => {
    await run({ name: "addresses", networks: ["lan-with-addresses"], devices: { lan: 1 } })
    const links = await linksOf("addresses")
    const address = links.find(({ ifname }) => ifname === "net1")?.addr_info.find(({ scope }) => scope === "global")
    assert(address?.local.startsWith("10.90.0.") === true && address.prefixlen === 24, JSON.stringify(links))
    await remove("addresses")
    return `net1 has ${address.local}/24`
  }
}

export const networkChecks: ReadonlyArray<Check> = [withMaster, withResource, twoDevices, macByAnnotation, addresses]
