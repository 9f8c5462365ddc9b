import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { Config } from "../../src/device-plugin/config/Config.ts"
import { parseConfig } from "../../src/device-plugin/config/parseConfig.ts"
import { indexBlock } from "../../src/devices/deviceID.ts"

const read = (text: string): Config => Result.getOrThrow(parseConfig("DP_MACVTAP_CONF", text)).config

const problems = (text: string): ReadonlyArray<string> => {
  const config = parseConfig("DP_MACVTAP_CONF", text)
  return Result.isFailure(config) ? config.failure.problems : []
}

/** Two names whose hashes meet; found by trying, the same ones every time. */
const twins = (): readonly [string, string] => {
  const seen = new Map<number, string>()
  for (let n = 0; ; n++) {
    const name = `net${n}`
    const other = seen.get(indexBlock(name))
    if (other !== undefined) return [other, name]
    seen.set(indexBlock(name), name)
  }
}

describe("a configuration of the device plugin", () => {
  it("has defaults", () => {
    assert.deepStrictEqual(read(`[{ "name": "dataplane", "lowerDevice": "eth0" }]`), {
      _tag: "Resources",
      resources: [{ name: "dataplane", lowerDevice: ["eth0"], mode: "bridge", capacity: 100, standalone: false }]
    })
  })

  it("says everything of a resource", () => {
    const text = `[
      { "name": "a", "lowerDevice": ["eth1", "en*"], "mode": "vepa", "capacity": 4096, "standalone": true },
      { "name": "b", "lowerDevice": "eth1", "mode": "passthru" }
    ]`
    assert.deepStrictEqual(read(text), {
      _tag: "Resources",
      resources: [
        { name: "a", lowerDevice: ["eth1", "en*"], mode: "vepa", capacity: 4096, standalone: true },
        { name: "b", lowerDevice: ["eth1"], mode: "passthru", capacity: 1, standalone: false }
      ]
    })
  })

  it("is read as Go's decoder reads it: keys in any case, null and an empty mode for nothing", () => {
    assert.deepStrictEqual(read(`[{ "Name": "a", "LOWERDEVICE": "eth0", "mode": "", "capacity": null }]`), {
      _tag: "Resources",
      resources: [{ name: "a", lowerDevice: ["eth0"], mode: "bridge", capacity: 100, standalone: false }]
    })
  })

  it("asks for discovery when it is empty", () => assert.deepStrictEqual(read(" [ ]\n"), { _tag: "Discover" }))

  it.each([
    ["", "is empty; give a JSON array"],
    [`{ "name": "a" }`, 'must be a JSON array of resources, but is { "name": "a" }'],
    [`[\n  { "name": "a", "lowerDevice": "eth0" },\n]`, `line 3, column 1: a comma before "]", where JSON has none`],
    [
      `[\n  { "name": "a",\n    "lowerDevice": "eth0", }\n]`,
      `line 3, column 28: a comma before "}", where JSON has none`
    ],
    [`[ { "name": "a" "lowerDevice": "eth0" } ]`, "line 1, column 17: not JSON: comma expected"],
    [
      `[ 7 ]`,
      "entry 1 (line 1): is 7, but must be an object with the keys name, lowerDevice, mode, capacity, standalone"
    ],
    [`[{ "lowerDevice": "eth0" }]`, `entry 1 (line 1): "name" is missing`],
    [`[\n{ "name": "a" }]`, `entry 1 "a" (line 2): "lowerDevice" is missing`],
    [`[{ "name": "a b", "lowerDevice": "eth0" }]`, `entry 1 "a b" (line 1): "name" is "a b", but must be a name`],
    [`[{ "name": "a/b", "lowerDevice": "eth0" }]`, `"name" is "a/b", but must be a name`],
    [`[{ "name": "a", "lowerDevice": "a-link-name-of-16" }]`, `"lowerDevice" is "a-link-name-of-16", but must be`],
    [`[{ "name": "a", "lowerDevice": [] }]`, `"lowerDevice" is [], but must be`],
    [`[{ "name": "a", "lowerDevice": ["eth0", 7] }]`, `"lowerDevice" is ["eth0", 7], but must be`],
    [
      `[{ "name": "a", "lowerDevice": "eth0",\n "mode": "brigde" }]`,
      `entry 1 "a" (line 2): "mode" is "brigde", but must be one of bridge, vepa, private, passthru`
    ],
    [`[{ "name": "a", "lowerDevice": "eth0", "capacity": "10" }]`, `"capacity" is "10", but must be a whole number`],
    [`[{ "name": "a", "lowerDevice": "eth0", "capacity": 1.5 }]`, `"capacity" is 1.5, but must be a whole number`],
    [
      `[{ "name": "a", "lowerDevice": "eth0", "standalone": "yes" }]`,
      `"standalone" is "yes", but must be true or false`
    ],
    [
      `[{ "name": "${"n".repeat(59)}", "lowerDevice": "eth0" }]`,
      `"name" is too long: device ID "${"n".repeat(59)}Mvp99" has 64 characters, and the kubelet takes 63`
    ]
  ])("%j is wrong: %s", (text, words) => {
    assert.include(problems(text)[0], words)
    assert.lengthOf(problems(text), 1)
  })

  it("is told of every problem at once, each with its entry and key", () => {
    const text = `[{ "name": "", "lowerDevice": 7 }, { "name": "b", "lowerDevice": "eth0", "capacity": 1.5 }]`
    assert.deepStrictEqual(
      problems(text).map((problem) => problem.replace(/ is .*/, "")),
      [`entry 1 (line 1): "name"`, `entry 1 (line 1): "lowerDevice"`, `entry 2 "b" (line 1): "capacity"`]
    )
  })

  it("is bounded before anything is made of it", () => {
    assert.deepStrictEqual(problems("[".repeat(1_000_000)), ["is nested more than 8 deep"])
    assert.deepStrictEqual(problems(`[${"{},".repeat(60_000)}{}]`), ["has more than 50000 keys and values"])
  })

  it("may not hold two names with the same ifindexes, and says both", () => {
    const [one, other] = twins()
    const text = `[{ "name": "${one}", "lowerDevice": "eth0" },\n { "name": "${other}", "lowerDevice": "eth0" }]`
    assert.deepStrictEqual(problems(text), [
      `entry 2 "${other}" (line 2): "name" leads to the same ifindexes as that of entry 1 "${one}" (line 1), ` +
        "since both names have the same hash; rename one"
    ])
  })

  it.prop("is a configuration or problems, whatever the text", [Schema.String], ([text]) => {
    assert.include(["Success", "Failure"], parseConfig("test", text)._tag)
  })

  it.prop("is a configuration or problems, whatever the JSON", [Schema.Json], ([value]) => {
    const config = parseConfig("test", JSON.stringify([value, { name: "a", lowerDevice: "eth0" }]))
    assert.isTrue(Result.isSuccess(config) || config.failure.problems.length > 0)
  })
})
