/** What is remembered of configurations: never another one's, and what is one call's alone not at all. */
import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import type { Command } from "../../src/cni/call/Environment.ts"
import { readLinkConf } from "../../src/cni/config/LinkConf.ts"
import { readNetConf } from "../../src/cni/config/NetConf.ts"
import { remembering } from "../../src/cni/config/remembering.ts"
import { error, value } from "./outcome.ts"

describe("a reader that remembers", () => {
  it("reads a text once, as long as it is one of the latest 64", () => {
    const read: Array<string> = []
    const reader = remembering((kind: string, text: string) => {
      read.push(`${kind} ${text}`)
      return Result.succeed({ kind, text })
    })
    const first = reader("a", "b")
    assert.deepStrictEqual(first, Result.succeed({ kind: "a", text: "b" }))
    assert.strictEqual(reader("a", "b"), first)
    assert.notStrictEqual(reader("ab", ""), first)
    for (let n = 0; n < 62; n++) reader("more", String(n))
    assert.strictEqual(reader("a", "b"), first)
    assert.lengthOf(read, 64)
    reader("more", "62")
    assert.notStrictEqual(reader("a", "b"), first)
    assert.lengthOf(read, 66)
  })

  it("reads anew what is long, and what failed", () => {
    let count = 0
    const reader = remembering((text: string) => {
      count++
      return text === "bad" ? Result.fail("no") : Result.succeed(text)
    })
    for (const text of ["bad", "x".repeat(10_000)]) {
      count = 0
      reader(text)
      reader(text)
      assert.strictEqual(count, 2, text.slice(0, 3))
    }
  })
})

describe("a network", () => {
  const read = (config: object | string, command: Command = "ADD", program = "macvtap") =>
    value(readNetConf(program, command, typeof config === "string" ? config : JSON.stringify(config)))
  const network = { cniVersion: "1.0.0", name: "n", type: "macvtap", master: "eth0" }
  const previous = (address: string) => ({ cniVersion: "1.0.0", ips: [{ address }] })

  it("is read once for calls that differ in their prevResult, which is each one's own", () => {
    const one = read({ ...network, prevResult: previous("10.0.0.1/8") }, "CHECK")
    const other = read({ prevResult: previous("10.0.0.2/8"), ...network }, "CHECK")
    assert.strictEqual(one.document, other.document)
    assert.deepStrictEqual([one.prevResult, other.prevResult], [previous("10.0.0.1/8"), previous("10.0.0.2/8")])
    assert.isUndefined(read(network, "CHECK").prevResult)
    assert.notStrictEqual(one.stdin, other.stdin)
  })

  it("is another for another command, another program and another text", () => {
    const { document } = read(network)
    assert.strictEqual(read(network).document, document)
    assert.notStrictEqual(read(network, "DEL").document, document)
    assert.notStrictEqual(read(network, "ADD", "macvlan").document, document)
    assert.notStrictEqual(read({ ...network, mtu: 1400 }).document, document)
  })

  it("of which the last spelling of prevResult counts", () => {
    const [a, b] = [previous("10.0.0.1/8"), previous("10.0.0.2/8")]
    assert.deepStrictEqual(read({ ...network, prevResult: a, PrevResult: b }).prevResult, b)
    assert.deepStrictEqual(read({ ...network, PrevResult: b, prevResult: a }).prevResult, a)
    assert.deepStrictEqual(read({ ...network, PrevResult: b, prevResult: null }).prevResult, b)
    assert.deepStrictEqual(read({ ...network, PrevResult: b }).prevResult, b)
  })

  it("whose number is beyond all numbers is not one without it", () => {
    const text = (mtu: string): string => `{"cniVersion":"1.0.0","name":"n","master":"eth0","mtu":${mtu}}`
    const link = (mtu: string) => readLinkConf(read(text(mtu)), {})
    assert.isUndefined(value(link("null")).mtu)
    for (const mtu of ["1e999", "-1E+999", `1${"0".repeat(400)}`, `${"1".repeat(250)}e99`]) {
      assert.match(error(link(mtu))?.msg ?? "", /mtu: expected an integer/)
    }
    assert.isUndefined(value(link("null")).mtu)
  })

  it("has the MAC address of the call that asks, whichever came before", () => {
    const link = (mac?: string) => value(readLinkConf(read(network), mac === undefined ? {} : { mac })).mac
    assert.isUndefined(link())
    assert.strictEqual(link("02:00:00:00:00:01"), "02:00:00:00:00:01")
    assert.strictEqual(link("02:00:00:00:00:02"), "02:00:00:00:00:02")
    assert.isUndefined(link())
  })

  it("that is deeper than an engine writes is read all the same", () => {
    const deep = `{"cniVersion":"1.0.0","name":"n","deep":${"[".repeat(40_000)}${"]".repeat(40_000)}}`
    assert.strictEqual(read(deep).name, "n")
  })
})
