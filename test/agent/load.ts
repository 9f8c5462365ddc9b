/** Calls without a pause, as a busy node has them. */
import { assert } from "vitest"
import type { AgentNode } from "../lab/agentNode.ts"
import { assertResult } from "../lab/call/wellFormed.ts"
import { type RunResult, until } from "../lab/run.ts"

/** An ADD's answer, and from when to when it took, by `performance.now()`. */
interface Answered extends RunResult {
  readonly begun: number
  readonly ended: number
}

export interface Load {
  /** Waits until so many more ADDs have been answered. */
  readonly goesOn: (adds: number) => Promise<void>
  /** Ends it, and gives what the ADDs were answered. Each DEL has succeeded. */
  readonly end: () => Promise<ReadonlyArray<Answered>>
}

/** Each worker adds and deletes an attachment of its own, one after the other. */
export const startLoad = ({ node }: AgentNode, workers = 4): Load => {
  const results: Array<Answered> = []
  let over = false
  const work = async (worker: number): Promise<void> => {
    for (let call = 0; !over; call++) {
      const of = { containerID: `c${worker}-${call}`, ifname: `n${worker}` }
      const begun = performance.now()
      const answer = await node.call("ADD", of)
      results.push({ ...answer, begun, ended: performance.now() })
      await node.silent("DEL", of)
    }
  }
  const working = Promise.all(Array.from({ length: workers }, (_, worker) => work(worker)))
  // Whoever ends it hears of a failure.
  working.catch(() => {})
  return {
    goesOn: async (adds) => {
      const before = results.length
      await Promise.race([working, until(`${adds} more ADDs`, () => results.length >= before + adds)])
    },
    end: async () => {
      over = true
      await working
      return results
    }
  }
}

/** Every ADD has succeeded. */
export const assertNoneLost = (results: ReadonlyArray<RunResult>): void => {
  assert.isNotEmpty(results)
  for (const { status, stdout, stderr } of results) {
    assert.strictEqual(status, 0, stdout + stderr)
    assertResult(stdout, "1.1.0")
  }
}
