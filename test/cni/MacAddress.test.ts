/** The forms of Go's net.ParseMAC, and which addresses a link can have. */
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { macProblem } from "../../src/cni/config/macProblem.ts"
import { isMulticast, isZero, parseMac, sameMac } from "../../src/wire/mac.ts"

const notOne = "is no MAC address such as 02:03:04:05:06:07"
const multicast = "is a multicast address, which no link can have: the first byte must be even, such as 02"
const bytes = (count: number) => `is an address of ${count} bytes; Ethernet's have 6, such as 02:03:04:05:06:07`

describe("MAC addresses", () => {
  const good: ReadonlyArray<string> = [
    "02:03:04:0a:0b:0c",
    "02:03:04:0A:0B:0C",
    "02-03-04-0a-0b-0c",
    "02-03-04-0A-0b-0C",
    "0203.040a.0b0c",
    "0203.040A.0B0C"
  ]
  for (const text of good) {
    it(`${text} is one`, () => {
      assert.strictEqual(parseMac(text), "02:03:04:0a:0b:0c")
      assert.strictEqual(macProblem(text), undefined)
      assert.isTrue(sameMac(text, "02:03:04:0a:0b:0c"))
    })
  }

  const bad: ReadonlyArray<readonly [text: string, problem: string]> = [
    ["", notOne],
    ["xx", notOne],
    ["02:03:04:05:06", notOne],
    ["02:03:04:05:06:07:", notOne],
    ["02:03:04:05:06:07\n", notOne],
    ["2:3:4:5:6:7", notOne],
    ["02:03:04-05:06:07", notOne],
    ["020304050607", notOne],
    ["0203:0405:0607", notOne],
    ["02.03.04.05.06.07", notOne],
    ["02:03:04:05:06:0g", notOne],
    ["02:03:04:05:06:07:08", notOne],
    [`${"02:".repeat(1_000_000)}02`, notOne],
    ["02:00:5e:10:00:00:00:01", bytes(8)],
    ["02-00-5e-10-00-00-00-01", bytes(8)],
    ["0200.5e10.0000.0001", bytes(8)],
    ["00:00:00:00:fe:80:00:00:00:00:00:00:02:00:5e:10:00:00:00:01", bytes(20)],
    ["0000.0000.fe80.0000.0000.0000.0200.5e10.0000.0001", bytes(20)],
    ["00:00:00:00:00:00", "is the zero address, which no link can have"],
    ["01:00:5e:00:00:01", multicast],
    ["FF-FF-FF-FF-FF-FF", multicast]
  ]
  for (const [text, problem] of bad) {
    it(`${JSON.stringify(text.slice(0, 60))} ${problem}`, () => {
      assert.strictEqual(macProblem(text), problem)
    })
  }

  it.prop(
    "six bytes are read as they are written",
    [
      Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 255 }))).check(
        Schema.isMinLength(6),
        Schema.isMaxLength(6)
      )
    ],
    ([parts]) => {
      const canonical = parts.map((part) => part.toString(16).padStart(2, "0")).join(":")
      assert.strictEqual(parseMac(canonical.toUpperCase().replaceAll(":", "-")), canonical)
      assert.strictEqual(
        isZero(canonical),
        parts.every((part) => part === 0)
      )
      assert.strictEqual(isMulticast(canonical), (parts[0] ?? 0) % 2 === 1)
      assert.strictEqual(macProblem(canonical) === undefined, !isZero(canonical) && !isMulticast(canonical))
    }
  )
})
