/** The executable answers a fixed set of calls as it always did, byte for byte. */
import { assert, describe, it } from "vitest"
import { hasExecutable, hasMacvtap } from "../lab/machine.ts"
import { client, executable } from "../lab/plugin.ts"
import { recorded } from "./answers.ts"
import { changes } from "./changes.ts"
import { type Answer, replay } from "./replay.ts"

const changed = changes.flatMap(({ calls }) => Object.entries(calls))

const expected = (): ReadonlyArray<Answer> => {
  const byCall = new Map(changed)
  return recorded().map((answer) => ({ ...answer, ...byCall.get(answer.call) }))
}

describe("the record", () => {
  it("has each call once", () => {
    const calls = recorded().map(({ call }) => call)
    assert.isAtLeast(new Set(calls).size, 300)
    assert.strictEqual(new Set(calls).size, calls.length)
  })

  it("is changed only where the answer is another now, once and with a reason", () => {
    const before = new Map(recorded().map((answer) => [answer.call, answer]))
    assert.strictEqual(new Set(changed.map(([call]) => call)).size, changed.length)
    for (const { reason } of changes) assert.isAtLeast(reason.length, 20)
    for (const [call, now] of changed) {
      const was = before.get(call)
      assert.isDefined(was, `${call} is not in the record`)
      assert.notDeepEqual({ ...was, ...now }, was, `${call} is as it was`)
    }
  })
})

/** Both ways in which a node is run; the agent is where the scene is not, and has to act where the call is. */
const programs = [
  ["dist/macvtap", executable] as const,
  ...(client ? [["the client, with an agent", client] as const] : [])
]

describe.skipIf(!hasMacvtap || !hasExecutable).each(programs)("%s", (_, program) => {
  it("answers as recorded, but for what is listed in changes.ts", { timeout: 180_000 }, async () => {
    const answers = new Map((await replay(program)).map((answer) => [answer.call, answer]))
    const differences = expected().filter(
      (answer) => JSON.stringify(answer) !== JSON.stringify(answers.get(answer.call))
    )
    const first = differences.slice(0, 10)
    assert.deepStrictEqual(
      first.map(({ call }) => answers.get(call)),
      first,
      `${differences.length} answers differ`
    )
    assert.strictEqual(answers.size, recorded().length)
  })
})
