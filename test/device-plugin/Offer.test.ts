import { assert, describe, it } from "@effect/vitest"
import { healthy, listDevices, preferDevices, unhealthy } from "../../src/device-plugin/offer/devices.ts"
import { makeOffers, toResources } from "../../src/device-plugin/offer/Offer.ts"
import { agreed } from "../../src/device-plugin/offer/record.ts"
import { indexBlock } from "../../src/devices/deviceID.ts"
import { plainLink as link } from "../lab/link.ts"
import { card } from "../lab/node/world.ts"

const resource = (name: string, lowerDevice: ReadonlyArray<string>) => ({
  name,
  lowerDevice,
  mode: "bridge",
  capacity: 2,
  standalone: false
})

describe("what a node offers", () => {
  it("follows the configuration, and its links", () => {
    const config = { _tag: "Resources", resources: [resource("a", ["eth0"]), resource("b", ["x*", "y*"])] } as const
    const hardware = () => ({ ...card, numaNodes: [1] })
    assert.deepStrictEqual(makeOffers(config, [link("eth0", 2)], hardware).offers, [
      { name: "a", lowerDevice: "eth0", present: true, mode: "bridge", capacity: 2, standalone: false, numaNodes: [1] },
      { name: "b", present: false, mode: "bridge", capacity: 2, standalone: false, numaNodes: [] }
    ])
    // A single name is written down although it is not there: ADD then says what is missing.
    assert.strictEqual(toResources(makeOffers(config, [], hardware).offers)["a"]?.lowerDevice, "eth0")
    assert.notProperty(toResources(makeOffers(config, [], hardware).offers)["b"], "lowerDevice")
  })

  it("is one resource a fit link without a configuration", () => {
    const { offers } = makeOffers(
      { _tag: "Discover" },
      [link("lo", 1), link("eth1", 3), link("eth0", 2)],
      ({ name }) => (name === "lo" ? { ...card, physical: false } : card)
    )
    assert.deepStrictEqual(
      offers.map(({ name, lowerDevice, capacity, mode }) => [name, lowerDevice, capacity, mode]),
      [
        ["eth0", "eth0", 100, "bridge"],
        ["eth1", "eth1", 100, "bridge"]
      ]
    )
  })

  it("leaves out the second of two links with the same ifindexes, the same one after every boot", () => {
    const seen = new Map<number, string>()
    const names: Array<string> = []
    for (let n = 0; names.length === 0; n++) {
      const name = `eth${n}`
      const other = seen.get(indexBlock(name))
      if (other !== undefined) names.push(other, name)
      seen.set(indexBlock(name), name)
    }
    const [first, second] = names.sort() as [string, string]
    for (const links of [names, names.toReversed()]) {
      const { offers, clashes } = makeOffers(
        { _tag: "Discover" },
        links.map((name, n) => link(name, n + 1)),
        () => card
      )
      assert.deepStrictEqual(
        offers.map(({ name }) => name),
        [first]
      )
      assert.deepStrictEqual(clashes, [{ name: second, with: first }])
    }
  })
})

describe("devices", () => {
  const offer = { name: "a", present: true, mode: "bridge", capacity: 2, standalone: false, numaNodes: [] }

  it("are healthy or not, and know their NUMA nodes", () => {
    assert.deepStrictEqual(listDevices(offer, true), [
      { ID: "aMvp0", health: healthy, topology: undefined },
      { ID: "aMvp1", health: healthy, topology: undefined }
    ])
    assert.deepStrictEqual(listDevices({ ...offer, capacity: 1, numaNodes: [0, 1] }, false), [
      { ID: "aMvp0", health: unhealthy, topology: { nodes: [{ ID: 0 }, { ID: 1 }] } }
    ])
  })

  it("are preferred when nobody holds them and they were not used lately", () => {
    const uses: Readonly<Record<string, number>> = { aMvp0: Number.POSITIVE_INFINITY, aMvp1: 500, aMvp3: 400 }
    const prefer = (allocationSize: number, mustIncludeDeviceIDs: ReadonlyArray<string> = []) =>
      preferDevices(
        {
          availableDeviceIDs: ["aMvp10", "aMvp0", "aMvp1", "aMvp2", "aMvp3"],
          mustIncludeDeviceIDs: [...mustIncludeDeviceIDs],
          allocationSize
        },
        (id) => uses[id] ?? 0
      )
    assert.deepStrictEqual(prefer(5), ["aMvp2", "aMvp10", "aMvp3", "aMvp1", "aMvp0"])
    assert.deepStrictEqual(prefer(2, ["aMvp0"]), ["aMvp0", "aMvp2"])
    assert.deepStrictEqual(prefer(0), [])
    assert.lengthOf(prefer(100), 5)
  })

  it("are not offered while ADD would be told something else", () => {
    const written = toResources([offer])
    const changed = { ...offer, mode: "vepa" }
    assert.deepStrictEqual(
      agreed([offer], written, () => true),
      [offer]
    )
    assert.deepStrictEqual(
      agreed([{ ...offer, capacity: 7 }], written, () => true),
      [{ ...offer, capacity: 7 }]
    )
    assert.deepStrictEqual(
      agreed([changed], written, () => true),
      [{ ...changed, present: false }]
    )
    assert.deepStrictEqual(
      agreed([changed], written, () => false),
      []
    )
    assert.deepStrictEqual(
      agreed([{ ...offer, name: "b" }], written, () => false),
      []
    )
  })
})
