import { writeFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { checkpointFile, decodeCheckpoint, readCheckpoint } from "../../src/devices/checkpoint.ts"
import { makeFolder } from "../lab/folder.ts"

const domain = "macvtap.network.kubevirt.io"
const read = (document: unknown) => decodeCheckpoint(JSON.stringify(document))
const problem = (text: string) => Result.getOrThrow(Result.flip(decodeCheckpoint(text)))

const NumaOrList = Schema.Union([
  Schema.Record(Schema.String, Schema.NullOr(Schema.Array(Schema.String))),
  Schema.Array(Schema.String),
  Schema.Null
])
const Entry = Schema.Struct({
  PodUID: Schema.String,
  ContainerName: Schema.String,
  ResourceName: Schema.String,
  DeviceIDs: NumaOrList,
  AllocResp: Schema.optionalKey(Schema.String)
})

describe("the kubelet's checkpoint", () => {
  it("tells who was given which devices, by NUMA node or in a list", () => {
    const allotments = read({
      Data: {
        PodDeviceEntries: [
          {
            PodUID: "1",
            ContainerName: "c",
            ResourceName: `${domain}/a`,
            DeviceIDs: { "-1": ["aMvp0"], "1": ["aMvp1"] },
            AllocResp: "CkMKEi9kZXYvdGFw"
          },
          { PodUID: "2", ContainerName: "d", ResourceName: `${domain}/b`, DeviceIDs: ["bMvp0"] },
          { PodUID: "2", ContainerName: "c", ResourceName: "vendor.com/gpu", DeviceIDs: null }
        ],
        RegisteredDevices: { [`${domain}/a`]: ["aMvp0"] }
      },
      Checksum: 1
    })
    assert.deepStrictEqual(
      allotments,
      Result.succeed([
        { podUID: "1", container: "c", resource: `${domain}/a`, deviceIDs: ["aMvp1", "aMvp0"] },
        { podUID: "2", container: "d", resource: `${domain}/b`, deviceIDs: ["bMvp0"] },
        { podUID: "2", container: "c", resource: "vendor.com/gpu", deviceIDs: [] }
      ])
    )
  })

  it("may be empty", () => {
    assert.deepStrictEqual(read({ Data: { PodDeviceEntries: null } }), Result.succeed([]))
    assert.deepStrictEqual(read({ Data: { PodDeviceEntries: [] } }), Result.succeed([]))
  })

  it("says in words why it says nothing", () => {
    assert.strictEqual(problem(" "), "is empty")
    assert.strictEqual(problem('{"Data":'), "is not JSON")
    assert.match(problem("{}"), /there is no list Data\.PodDeviceEntries/)
    const entry = { PodUID: "1", ContainerName: "c", ResourceName: "r", DeviceIDs: ["a"] }
    for (const wrong of [null, {}, { ...entry, PodUID: 1 }, { ...entry, DeviceIDs: { 0: ["a", 1] } }]) {
      const text = JSON.stringify({ Data: { PodDeviceEntries: [entry, wrong] } })
      assert.match(problem(text), /Data\.PodDeviceEntries\[1\]/)
    }
  })

  it("is bounded before anything is made of it", () => {
    assert.strictEqual(problem("[".repeat(4_000_000)), "is nested more than 16 deep")
    assert.strictEqual(problem(`[${"[],".repeat(1_000_000)}[]]`), "has more than 200000 keys and values")
    assert.deepStrictEqual(
      read({ Data: { PodDeviceEntries: [] }, Text: '[[[[[[[[[[[[[[[[[[[[["\\' }),
      Result.succeed([])
    )
  })

  it("is read from the kubelet's folder, with its path in what is wrong", async () => {
    await using folder = await makeFolder("checkpoint")
    const file = checkpointFile(folder.path)
    assert.deepStrictEqual(readCheckpoint(folder.path), Result.succeed(undefined))
    writeFileSync(file, '{"Data":{"PodDeviceEntries":null}}')
    assert.deepStrictEqual(readCheckpoint(folder.path), Result.succeed([]))
    writeFileSync(file, " ".repeat(4 * 1024 * 1024 + 1))
    assert.deepStrictEqual(
      readCheckpoint(folder.path),
      Result.fail(`${file} has more than the 4194304 bytes that are read of such a file`)
    )
  })

  it.prop("is read whole where it is of its kind", [Schema.Array(Entry)], ([entries]) => {
    const allotments = Result.getOrThrow(read({ Data: { PodDeviceEntries: entries } }))
    assert.deepStrictEqual(
      allotments.map(({ podUID, deviceIDs }) => [podUID, deviceIDs]),
      entries.map(({ PodUID, DeviceIDs }) => [PodUID, Object.values(DeviceIDs ?? {}).flatMap((ids) => ids ?? [])])
    )
  })

  it.prop("never makes anybody fail", [Schema.Json, Schema.String], ([json, text]) => {
    read(json)
    decodeCheckpoint(text)
    read({ Data: { PodDeviceEntries: [json, { PodUID: "", ContainerName: "", ResourceName: "", DeviceIDs: json }] } })
  })
})
