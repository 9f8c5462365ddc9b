import { assert, describe, it } from "@effect/vitest"
import { type Ended, endedFromJson, endedToJson } from "../../src/observe/Ended.ts"
import { makeRecorder } from "../../src/observe/Recorder.ts"
import { mermaid, waterfall } from "../../src/observe/waterfall.ts"

const span = (spanId: string, parentId: string | undefined, from: number, to: number, more: Partial<Ended> = {}) =>
  ({
    name: spanId,
    traceId: "t1",
    spanId,
    parentId,
    kind: "internal",
    began: 1_700_000_000_000_000_000n + BigInt(from * 1e6),
    ended: 1_700_000_000_000_000_000n + BigInt(to * 1e6),
    attributes: new Map(),
    failed: false,
    sampled: true,
    ...more
  }) satisfies Ended

// In the order in which spans end: children before their parents.
const spans = [
  span("link", "call", 2, 4),
  span("give", "ipam", 5, 7),
  span("ipam", "call", 4, 8, { failed: true, attributes: new Map([["netlink.errno", "EEXIST"]]) }),
  span("call", "elsewhere", 0, 10)
]

describe("a waterfall", () => {
  it("has a line a span, children below their parent, bars where they were", () => {
    const lines = waterfall(spans).trimEnd().split("\n")
    assert.deepStrictEqual(
      lines.map((line) => /^( *)(\S+)/.exec(line)?.slice(1)),
      [
        ["", "call"],
        ["  ", "link"],
        ["  ", "ipam:"],
        ["    ", "give"]
      ]
    )
    assert.match(lines[0] ?? "", / 10\.000 ms {2}█{40}$/)
    assert.match(lines[1] ?? "", / 2\.000 ms {10}█{8}$/)
    assert.match(lines[2] ?? "", /ipam: EEXIST .* 4\.000 ms {18}▒{16}$/)
  })

  it("is fit for a terminal whatever a span is called", () => {
    assert.include(waterfall([span("call", undefined, 0, 1, { name: "enter /run/\u001b[31m" })]), "\\u001b[31m")
  })

  it("is a Gantt chart of Mermaid, in microseconds", () => {
    assert.deepStrictEqual(mermaid(spans).trimEnd().split("\n").slice(4), [
      "  call :s0, 0, 10000",
      "  · link :s1, 2000, 4000",
      "  · ipam  EEXIST :crit, s2, 4000, 8000",
      "  · · give :s3, 5000, 7000"
    ])
  })

  it("says so where there is nothing", () => {
    assert.strictEqual(waterfall([]), "nothing was traced\n")
  })
})

describe("the recorder", () => {
  it("forgets the oldest trace, and the spans beyond a bound", () => {
    const recorder = makeRecorder(2)
    for (const traceId of ["a", "b", "c"]) recorder.record({ ...span("x", undefined, 0, 1), traceId })
    for (let n = 0; n < 1000; n++) recorder.record({ ...span(`x${n}`, undefined, 0, 1), traceId: "c" })
    assert.deepStrictEqual(
      ["a", "b", "c"].map((traceId) => recorder.spansOf(traceId).length),
      [0, 1, 500]
    )
  })

  it("gives spans that can be told and read again", () => {
    for (const one of spans) {
      assert.deepStrictEqual(endedFromJson(JSON.parse(JSON.stringify(endedToJson(one)))), one)
    }
  })
})
