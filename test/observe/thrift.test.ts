import { afterEach, assert, beforeEach, it, vi } from "vitest"
import { makeThrift } from "../../src/agent/thrift.ts"

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const make = () => {
  let given = 0
  const thrift = makeThrift(() => void given++)
  return {
    calls: (n: number, others = 0) => {
      for (let call = 0; call < n; call++) {
        thrift.callEnded(others)
        vi.advanceTimersByTime(0)
      }
    },
    end: () => thrift.callEnded(0),
    given: () => given
  }
}

it("gives memory back when it has been quiet for a moment, once", () => {
  const { calls, given } = make()
  calls(20)
  vi.advanceTimersByTime(700)
  calls(1)
  vi.advanceTimersByTime(700)
  assert.strictEqual(given(), 0)
  vi.advanceTimersByTime(200)
  assert.strictEqual(given(), 1)
  vi.advanceTimersByTime(60_000)
  assert.strictEqual(given(), 1)
})

it("gives it back now and then between calls where it is never quiet", () => {
  const { calls, given } = make()
  calls(2999)
  assert.strictEqual(given(), 2)
})

it("waits for the end of a burst, but not for ever", () => {
  const { calls, given } = make()
  calls(1500, 3)
  assert.strictEqual(given(), 0)
  calls(1)
  assert.strictEqual(given(), 1)
  calls(9000, 3)
  assert.strictEqual(given(), 3)
})

it("lets the call that ends be told so first, and does it once for all that end with it", () => {
  const { calls, end, given } = make()
  calls(999)
  for (let call = 0; call < 5; call++) end()
  assert.strictEqual(given(), 0)
  vi.advanceTimersByTime(0)
  assert.strictEqual(given(), 1)
  vi.advanceTimersByTime(60_000)
  assert.strictEqual(given(), 1)
})

it("lets a few calls be", () => {
  const { calls, given } = make()
  calls(19)
  vi.advanceTimersByTime(60_000)
  assert.strictEqual(given(), 0)
})
