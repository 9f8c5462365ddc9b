/** Two snapshots of a kernel, and where they differ: a property that fails has to say it in its message. */
import { assert } from "vitest"
import type { Kernel } from "../../../src/mock/Kernel.ts"

type Snapshot = ReturnType<Kernel["snapshot"]>

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null

const differences = (before: unknown, now: unknown, path = ""): ReadonlyArray<string> => {
  if (!isObject(before) || !isObject(now)) {
    return Object.is(before, now) ? [] : [`${path}: ${JSON.stringify(before)} is ${JSON.stringify(now)}`]
  }
  const keys = new Set([...Object.keys(before), ...Object.keys(now)])
  return [...keys].flatMap((key) => differences(before[key], now[key], `${path}/${key}`))
}

/** Nothing differs that anyone could notice. */
export const assertSame = (now: Snapshot, before: Snapshot, where = ""): void => {
  const found = differences(before, now)
  if (found.length > 0) assert.fail(`${where}\n${found.join("\n")}`)
}
