import { assert, describe, it } from "vitest"
import { makeFolder } from "../lab/folder.ts"
import { plainLink as link } from "../lab/link.ts"
import { startKubelet } from "../lab/node/kubelet.ts"
import { card, startWorld } from "../lab/node/world.ts"
import { until } from "../lab/run.ts"

describe("without a configured resource, the daemon", () => {
  it("offers every physical link, and follows them as they come, go and change their names", async () => {
    await using base = await makeFolder("dp")
    await using kubelet = await startKubelet(`${base.path}/k`)
    const hardware = Object.fromEntries(["eth0", "eth1", "ens1"].map((name, n) => [name, { ...card, numaNodes: [n] }]))
    const lo = link("lo", 1)
    const eth0 = link("eth0", 2)
    await using world = await startWorld({
      folder: kubelet.folder,
      state: `${base.path}/state`,
      config: [],
      links: [lo, eth0],
      hardware
    })
    await kubelet.healthy("eth0", 100)
    assert.isUndefined(kubelet.endpoint("lo"))
    assert.deepStrictEqual(kubelet.endpoint("eth0")?.lists.at(-1)?.devices[0]?.topology, { nodes: [{ ID: 0 }] })

    await world.setLinks([lo, eth0, link("eth1", 3)])
    await kubelet.healthy("eth1", 100, 1000)
    // A port of a bond is no lower device any more; the bond is.
    const bond = link("bond0", 9, { kind: "bond" })
    await world.setLinks([lo, eth0, link("eth1", 3, { controller: 9 }), bond])
    await until("eth1 is withdrawn", () => kubelet.endpoint("eth1") === undefined, 1000)
    await kubelet.healthy("bond0", 100, 1000)

    const before = kubelet.endpoint("eth0") ?? assert.fail("no endpoint")
    await world.setLinks([lo, link("ens1", 2), bond])
    await kubelet.healthy("ens1", 100, 1000)
    await until("eth0 is withdrawn", () => kubelet.endpoint("eth0") === undefined, 1000)
    // The last word was that its devices are unhealthy.
    assert.isTrue(before.lists.at(-1)?.devices.every(({ health }) => health === "Unhealthy"))
    await world.setLinks([lo, eth0, bond])
    await kubelet.healthy("eth0", 100, 1000)
  })

  it("a node without such a link is no failure", async () => {
    await using base = await makeFolder("dp")
    await using kubelet = await startKubelet(`${base.path}/k`)
    await using world = await startWorld({
      folder: kubelet.folder,
      state: `${base.path}/state`,
      config: [],
      links: [link("lo", 1)]
    })
    await until("a state", () => world.status().get("resources.json")?.well === true)
    assert.isTrue([...world.status().values()].every(({ well }) => well))
    assert.lengthOf(kubelet.registrations, 0)
  })
})
