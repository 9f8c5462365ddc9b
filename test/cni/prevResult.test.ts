/** prevResult: read at the configuration's version, as runtimes hand it over. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { readNetConf } from "../../src/cni/config/NetConf.ts"
import { readPrevResult } from "../../src/cni/config/prevResult.ts"
import { error, value } from "./outcome.ts"

const read = (cniVersion: string, config: object) =>
  Effect.flatMap(readNetConf("macvtap", "ADD", JSON.stringify({ name: "n", cniVersion, ...config })), readPrevResult)

const unusable = (words: string) => ({ code: 7, msg: `could not parse prevResult: ${words}` })

const ip4 = { ip4: { ip: "10.0.0.2/24" } }
const ips = { ips: [{ address: "10.0.0.2/24" }] }

describe("prevResult", () => {
  for (const config of [{}, { prevResult: null }]) {
    it(`${JSON.stringify(config)}: there is none`, () => {
      assert.strictEqual(value(read("1.1.0", config)), undefined)
    })
  }

  const good: ReadonlyArray<readonly [version: string, prevResult: object]> = [
    ["0.1.0", ip4],
    ["0.2.0", { cniVersion: "0.1.0", ...ip4 }],
    ["0.3.1", ips],
    ["0.3.0", { cniVersion: "0.4.0", ...ips }],
    ["0.4.0", { cniVersion: "", ...ips }],
    ["1.1.0", { CNIVERSION: "1.0.0", ...ips }],
    ["1.0.0", { cniVersion: "1.1.0", ...ips }]
  ]
  for (const [version, prevResult] of good) {
    it(`${JSON.stringify(prevResult)} at ${version}`, () => {
      assert.strictEqual(value(read(version, { PrevResult: prevResult }))?.ips.length, 1)
    })
  }

  const bad: ReadonlyArray<readonly [version: string, prevResult: unknown, words: string]> = [
    ["1.1.0", { cniVersion: "0.4.0" }, 'result type supports [1.0.0 1.1.0] but unmarshalled CNIVersion is "0.4.0"'],
    [
      "0.4.0",
      { cniVersion: "1.0.0" },
      'result type supports [0.3.0 0.3.1 0.4.0] but unmarshalled CNIVersion is "1.0.0"'
    ],
    ["1.1.0", { cniVersion: "9" }, 'result type supports [1.0.0 1.1.0] but unmarshalled CNIVersion is "9"'],
    ["1.1.0", "x", 'invalid result: expected an object, got "x"'],
    ["1.1.0", [], "invalid result: expected an object, got []"],
    [
      "1.1.0",
      { ips: [{ address: "x" }] },
      'invalid result: ips[0].address: expected an address with its prefix length such as 10.1.2.3/24 or fd00::1/64, got "x"'
    ]
  ]
  for (const [version, prevResult, words] of bad) {
    it(words, () => {
      assert.deepStrictEqual(error(read(version, { prevResult })), unusable(words))
    })
  }
})
