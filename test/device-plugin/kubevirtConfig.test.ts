/**
 * Configurations as kubevirt/macvtap-cni reads them (pkg/deviceplugin/lister.go and plugin.go, 0.13.1: encoding/json into a
 * list of { name, lowerDevice, mode, capacity int }, by name, the last of equal ones), and what becomes of them here.
 */
import * as Result from "effect/Result"
import { assert, describe, it } from "vitest"
import { parseConfig } from "../../src/device-plugin/config/parseConfig.ts"

const read = (text: string) => parseConfig("DP_MACVTAP_CONF", text)
const entry = { name: "a", lowerDevice: ["eth0"], mode: "bridge", capacity: 100, standalone: false }

describe("what kubevirt/macvtap-cni offers devices for, is offered here:", () => {
  it.each<[string, string, object | undefined, RegExp | undefined]>([
    [
      "its documentation's example",
      `[{"name":"a","lowerDevice":"eth0","mode":"bridge","capacity":50}]`,
      { capacity: 50 },
      undefined
    ],
    ["no mode, no capacity", `[{"name":"a","lowerDevice":"eth0"}]`, {}, undefined],
    ["an empty mode", `[{"name":"a","lowerDevice":"eth0","mode":""}]`, {}, undefined],
    ["null for a key", `[{"name":"a","lowerDevice":"eth0","mode":null,"capacity":null}]`, {}, undefined],
    ["a capacity of 0", `[{"name":"a","lowerDevice":"eth0","capacity":0}]`, {}, undefined],
    ["a capacity below 0", `[{"name":"a","lowerDevice":"eth0","capacity":-7}]`, {}, undefined],
    [
      "a capacity beyond any node's",
      `[{"name":"a","lowerDevice":"eth0","capacity":10000}]`,
      { capacity: 4096 },
      /"capacity" is 10000, but a resource has up to 4096/
    ],
    ["passthru", `[{"name":"a","lowerDevice":"eth0","mode":"passthru"}]`, { mode: "passthru", capacity: 1 }, undefined],
    [
      "passthru with a capacity",
      `[{"name":"a","lowerDevice":"eth0","mode":"passthru","capacity":50}]`,
      { mode: "passthru", capacity: 1 },
      /"capacity" is 50, but in mode passthru a lower device takes a single link/
    ],
    ["keys in any case", `[{"Name":"a","LOWERDEVICE":"eth0","MoDe":"vepa"}]`, { mode: "vepa" }, undefined],
    ["a key twice, the last one counts", `[{"name":"b","name":"a","lowerDevice":"eth0"}]`, {}, undefined],
    [
      "a key that it does not know",
      `[{"name":"a","lowerDevice":"eth0","comment":[1]}]`,
      {},
      /unknown key "comment" is ignored/
    ],
    [
      "a name twice, the last one counts",
      `[{"name":"a","lowerDevice":"eth1"},{"name":"a","lowerDevice":"eth0"}]`,
      {},
      /entry 1 "a" \(line 1\): "name" is that of entry 2 "a"/
    ],
    ["an empty list: every fit link", "[]", undefined, undefined],
    ["null: every fit link", "null", undefined, undefined]
  ])("%s", (_, text, resource, remark) => {
    const { config, remarks } = Result.getOrThrow(read(text))
    const wanted = { _tag: "Resources", resources: [{ ...entry, ...resource }] }
    assert.deepStrictEqual<unknown>(config, resource === undefined ? { _tag: "Discover" } : wanted)
    assert.lengthOf(remarks, remark === undefined ? 0 : 1)
    if (remark !== undefined) assert.match(remarks[0] ?? "", remark)
  })
})

describe("what it ends at once for, is refused here too:", () => {
  it.each([
    ["nothing", ""],
    ["no JSON", "dataplane"],
    ["an object", `{"name":"a","lowerDevice":"eth0"}`],
    ["something behind the list", `[{"name":"a","lowerDevice":"eth0"}] x`],
    ["a comment", `[{"name":"a","lowerDevice":"eth0"}] // x`],
    ["a comma too many", `[{"name":"a","lowerDevice":"eth0"},]`],
    ["a number as an entry", "[7]"],
    ["a number as a name", `[{"name":7,"lowerDevice":"eth0"}]`],
    ["text as a capacity", `[{"name":"a","lowerDevice":"eth0","capacity":"50"}]`],
    ["a broken capacity", `[{"name":"a","lowerDevice":"eth0","capacity":1.5}]`]
  ])("%s", (_, text) => assert.isTrue(Result.isFailure(read(text))))
})

describe("what it takes, and no pod then gets a device of, is refused here:", () => {
  it.each([
    [
      "a mode that there is not: Allocate fails",
      `[{"name":"a","lowerDevice":"eth0","mode":"Bridge"}]`,
      /"mode" is "Bridge"/
    ],
    ["no name: the kubelet refuses it", `[{"lowerDevice":"eth0"}]`, /"name" is missing/],
    ["a name that the kubelet refuses", `[{"name":"a/b","lowerDevice":"eth0"}]`, /"name" is "a\/b"/],
    ["no lower device: it never exists", `[{"name":"a"}]`, /"lowerDevice" is missing/],
    [
      "a lower device that no link can be called",
      `[{"name":"a","lowerDevice":"eth0eth0eth0eth0"}]`,
      /"lowerDevice" is "eth0eth0eth0eth0"/
    ],
    ["null as an entry", "[null]", /entry 1 \(line 1\): is null/]
  ])("%s", (_, text, words) => {
    const config = read(text)
    assert.match(Result.isFailure(config) ? config.failure.message : "", words)
  })
})
