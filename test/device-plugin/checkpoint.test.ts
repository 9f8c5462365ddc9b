import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { allottedDevices } from "../../src/device-plugin/kubelet/checkpoint.ts"

const domain = "macvtap.network.kubevirt.io"
const read = (document: unknown) => allottedDevices(JSON.stringify(document), domain)

describe("the kubelet's checkpoint", () => {
  it("tells the devices of our resources, by NUMA node or in a list", () => {
    const devices = read({
      Data: {
        PodDeviceEntries: [
          {
            PodUID: "1",
            ContainerName: "c",
            ResourceName: `${domain}/a`,
            DeviceIDs: { "-1": ["aMvp0"], "1": ["aMvp1"] }
          },
          { PodUID: "2", ContainerName: "c", ResourceName: `${domain}/b`, DeviceIDs: ["bMvp0"] },
          { PodUID: "2", ContainerName: "c", ResourceName: "vendor.com/gpu", DeviceIDs: ["gpu0"] }
        ],
        RegisteredDevices: {}
      },
      Checksum: 1
    })
    assert.deepStrictEqual(devices, new Set(["aMvp0", "aMvp1", "bMvp0"]))
  })

  it("may be empty", () => {
    assert.deepStrictEqual(read({ Data: { PodDeviceEntries: null } }), new Set())
    assert.deepStrictEqual(read({ Data: { PodDeviceEntries: [] } }), new Set())
  })

  it("says nothing where it is not understood", () => {
    assert.isUndefined(allottedDevices("", domain))
    assert.isUndefined(read({}))
    assert.isUndefined(read({ Data: { PodDeviceEntries: "?" } }))
  })

  it.prop("never makes anybody fail", [Schema.Json], ([json]) => {
    read(json)
    const devices = read({ Data: { PodDeviceEntries: [json, { ResourceName: `${domain}/a`, DeviceIDs: json }] } })
    assert.instanceOf(devices, Set)
  })
})
