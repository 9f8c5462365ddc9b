/** What it survives: the tests of test/survival, in full, or in their short form. */
import { existsSync } from "node:fs"
import { readdir } from "node:fs/promises"
import { fileURLToPath } from "node:url"
import { startDaemon } from "../support/daemon.ts"
import { makeFolder } from "../support/folder.ts"
import { run } from "../support/run.ts"
import { addCounts, expect, interrupted, saidBy, say } from "./report.ts"

const vitest = fileURLToPath(new URL("../../node_modules/vitest/vitest.mjs", import.meta.url))

/** The last line of vitest's summary of tests: `Tests  1 failed | 12 passed | 3 skipped (16)`. */
const count = (lines: ReadonlyArray<string>, word: string): number => {
  const line = lines.findLast((candidate) => /^\s*Tests\s/.test(candidate)) ?? ""
  return Number(new RegExp(`(\\d+) ${word}`).exec(line)?.[1] ?? 0)
}

/** An interrupted vitest does not end the blocks of its tests: their namespaces bear the number of its dead process. */
const removeNamespaces = async (): Promise<void> => {
  for (const name of await readdir("/run/netns").catch(() => [])) {
    const pid = /^e2-.*-(\d+)-\d+$/.exec(name)?.[1]
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) await run("ip", ["netns", "del", name])
  }
}

/** Runs the tests by vitest, shows what it says, and counts what it counts. */
export const survival = async (short: boolean): Promise<void> => {
  say(short ? "short form: fewer runs" : "the full form takes some minutes")
  await using folder = await makeFolder("macvtap-cni-e2e")
  const changes = { NO_COLOR: "1", MACVTAP_CNI_FULL: short ? "" : "1", TMPDIR: folder.path }
  await using tests = startDaemon(process.execPath, [vitest, "run", "--reporter=verbose", "test/survival"], {
    env: { ...process.env, ...changes } as Record<string, string>,
    onLine: (line) => line.trim() !== "" && saidBy("vitest", line.trimEnd())
  })
  const stop = () => process.kill(tests.pid, "SIGINT")
  interrupted.addEventListener("abort", stop)
  const status = await tests.ended
  interrupted.removeEventListener("abort", stop)
  await removeNamespaces()
  const counts = {
    passed: count(tests.lines, "passed"),
    failed: count(tests.lines, "failed"),
    skipped: count(tests.lines, "skipped")
  }
  addCounts(counts)
  expect("vitest ran the tests", status === 0 || counts.failed > 0, tests.lines.slice(-5))
}
