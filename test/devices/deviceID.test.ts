import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import {
  deviceIndex,
  formatDeviceID,
  indexBlock,
  isResourceName,
  largestCapacity,
  parseDeviceID
} from "../../src/devices/deviceID.ts"

describe("device IDs", () => {
  it("are a resource's name, Mvp and an ordinal", () => {
    assert.deepStrictEqual(parseDeviceID("dataplaneMvp3"), { resource: "dataplane", ordinal: 3 })
    assert.deepStrictEqual(parseDeviceID("MvpMvp0"), { resource: "Mvp", ordinal: 0 })
    assert.deepStrictEqual(parseDeviceID("aMvp1Mvp4095"), { resource: "aMvp1", ordinal: 4095 })
  })

  for (const text of [
    "",
    "Mvp3",
    "aMvp",
    "aMvp01",
    "aMvp4096",
    "aMvp-1",
    "a/bMvp1",
    "../aMvp1",
    "-aMvp1",
    "aMvp1 ",
    "eth0"
  ]) {
    it(`does not take ${JSON.stringify(text)} for one`, () => assert.isUndefined(parseDeviceID(text)))
  }

  const Ordinal = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: largestCapacity - 1 }))
  it.prop("come back as they were written", [Schema.String, Ordinal], ([name, ordinal]) => {
    const text = formatDeviceID({ resource: name, ordinal })
    assert.deepStrictEqual(parseDeviceID(text), isResourceName(name) ? { resource: name, ordinal } : undefined)
  })
})

describe("the ifindex of a device", () => {
  it("is what it was in every release: links and the kubelet's checkpoint outlive the plugin", () => {
    assert.strictEqual(
      deviceIndex({ resource: "dataplane", ordinal: 0 }) >>> 12,
      deviceIndex({ resource: "dataplane", ordinal: 4095 }) >>> 12
    )
    assert.deepStrictEqual(
      ["dataplane", "eth0", "eth1", "bond0"].map((resource) => deviceIndex({ resource, ordinal: 7 })),
      [886222855, 1071435783, 732774407, 828452871]
    )
  })

  it.prop(
    "lies in [2^29, 2^30), and differs for every ordinal",
    [Schema.String, Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: largestCapacity - 1 }))],
    ([resource, ordinal]) => {
      const index = deviceIndex({ resource, ordinal })
      assert.isTrue(index >= 2 ** 29 && index < 2 ** 30)
      assert.strictEqual(index % largestCapacity, ordinal)
    }
  )

  it("has names spread over the blocks", () => {
    const names = Array.from({ length: 2000 }, (_, n) => `eth${n}`)
    // 2000 balls in 131072 boxes: 15 meetings are to be expected, 60 would say that the hash is poor.
    assert.isAbove(new Set(names.map(indexBlock)).size, 1940)
  })
})
