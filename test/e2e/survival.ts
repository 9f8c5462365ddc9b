/** What it survives: the tests of test/survival, in full, or in their short form. */
import { startDaemon } from "../support/daemon.ts"
import { addCounts, expect, interrupted, saidBy, say } from "./report.ts"

/** The last line of vitest's summary of tests: `Tests  1 failed | 12 passed | 3 skipped (16)`. */
const count = (lines: ReadonlyArray<string>, word: string): number => {
  const line = lines.findLast((candidate) => /^\s*Tests\s/.test(candidate)) ?? ""
  return Number(new RegExp(`(\\d+) ${word}`).exec(line)?.[1] ?? 0)
}

export const survival = async (short: boolean): Promise<void> => {
  say(short ? "short form: fewer runs" : "the full form takes some minutes")
  const env = { ...process.env, NO_COLOR: "1", MACVTAP_CNI_FULL: short ? "" : "1" } as Record<string, string>
  await using vitest = startDaemon("npx", ["vitest", "run", "--reporter=verbose", "test/survival"], {
    env,
    onLine: (line) => line.trim() !== "" && saidBy("vitest", line.trimEnd())
  })
  const stop = () => process.kill(vitest.pid, "SIGINT")
  interrupted.addEventListener("abort", stop)
  const status = await vitest.ended
  interrupted.removeEventListener("abort", stop)
  const counts = {
    passed: count(vitest.lines, "passed"),
    failed: count(vitest.lines, "failed"),
    skipped: count(vitest.lines, "skipped")
  }
  addCounts(counts)
  expect("vitest ran the tests", status === 0 || counts.failed > 0, vitest.lines.slice(-5))
}
